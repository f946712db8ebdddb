package modelcheck_test

import (
	"fmt"
	"slices"
)

// verdict is what becomes of a command.
type verdict struct {
	// codes are the reasons against it, all of them: the description does not say which
	// comes first. Of what is hidden nothing else is told. None: it is accepted.
	codes []string
	// same says that it is so already: it is accepted and takes no seq.
	same bool
}

func refuse(codes ...string) verdict { return verdict{codes: codes} }

// String says what the model thinks.
func (v verdict) String() string {
	switch {
	case len(v.codes) > 0:
		return fmt.Sprint(v.codes)
	case v.same:
		return "it is so already"
	}
	return "accepted"
}

// statuses are those of the problems that the description has.
var statuses = map[string]int{
	"invalid_event": 400, "room_id_reserved": 400,
	"not_a_member": 403, "banned": 403, "forbidden": 403, "reactions_off": 403, "threads_off": 403,
	"room_not_found": 404, "message_not_found": 404, "event_not_found": 404, "user_unknown": 404,
	"room_id_taken": 409, "user_joined": 409, "user_banned": 409, "room_archived": 409, "message_redacted": 409,
	"version_conflict": 412,
	"text_too_long":    422, "idempotency_key_reused": 422, "reply_to_not_found": 422, "thread_root_not_found": 422, "thread_root_in_thread": 422,
	"slow_mode": 429,
}

// because adds a reason where it holds.
func (v *verdict) because(code string, holds bool) {
	if holds {
		v.codes = append(v.codes, code)
	}
}

var ranks = map[string]int{"guest": 1, "member": 2, "moderator": 3, "owner": 4}

// needs has the weakest role for what rooms may say differently.
var needs = map[string]string{"post": "guest", "react": "guest", "invite": "member", "pin": "member", "mention_room": "moderator", "update": "owner"}

func (r *room) may(m member, do string) bool {
	role := needs[do]
	if set := r.settings().Permissions[do]; set != "" {
		role = set
	}
	return ranks[m.role] >= ranks[role]
}

// outside is how a room answers those who are not in it.
func (r *room) outside(m member) verdict {
	switch {
	case !r.public() && m.membership != "invite":
		return refuse("room_not_found")
	case m.membership == "ban":
		return refuse("banned")
	}
	return refuse("not_a_member")
}

// judge gives the verdict on a command at a time of the log. Before, says that it is the look
// before it is published, to which a message is not there that its author may not read;
// the log does not know of that. The version that an edit or an update is of is not
// judged here.
func (r *room) judge(c *request, now int64, before bool) verdict {
	now = max(now, r.time())
	m := r.member(c.by, now)
	if c.do == create {
		return r.judgeCreate(c, m)
	}
	if !r.exists() {
		return refuse("room_not_found")
	}
	if c.do == change {
		return r.judgeChange(c, now)
	}
	if m.membership != "join" {
		v := r.outside(m)
		if before && v.codes[0] == "banned" && (c.do == edit || c.do == update) {
			v.because("not_a_member", true) // they are read first
		}
		return v
	}
	found := func(id string) (fact, bool) {
		f, ok := r.posted(id)
		return f, ok && (!before || r.visible(c.by, f.seq))
	}
	var v verdict
	switch c.do {
	case update:
		v.because("forbidden", !r.may(m, "update"))
		v.because("forbidden", m.role != "owner" && !samePermissions(r.settings(), settingsOf(r.contentAfter(c))))
	case deleteRoom:
		v.because("forbidden", m.role != "owner")
	case rules:
		v.because("forbidden", m.role != "owner")
		v.because("invalid_event", c.to < newestRules)
		v.same = c.to == newestRules
	case post:
		r.judgePost(c, m, now, found, &v)
	case redactRange:
		v.because("forbidden", c.whom != c.by && ranks[m.role] < ranks["moderator"])
		v.because("message_not_found", c.from > r.seq())
	case markRead:
		if c.root != "" {
			f, ok := found(c.root)
			v.because("thread_root_not_found", !ok || f.root != "")
		}
	case delivered, prefer:
	default:
		r.judgeAbout(c, m, found, &v)
	}
	return v
}

func (r *room) judgeCreate(c *request, m member) verdict {
	switch {
	case r.exists() && m.membership == "join":
		return verdict{same: true}
	case r.made() != nil:
		return refuse("room_id_taken")
	case c.room == direct && c.whom == "":
		return refuse("room_id_reserved")
	}
	return verdict{}
}

func (r *room) judgePost(c *request, m member, now int64, found func(string) (fact, bool), v *verdict) {
	s := r.settings()
	v.because("room_archived", r.archived())
	v.because("forbidden", !r.may(m, "post") || c.all && !r.may(m, "mention_room"))
	v.because("text_too_long", s.MaxMessageLength > 0 && len(c.text) > s.MaxMessageLength)
	if c.answered != "" {
		_, ok := found(c.answered)
		v.because("reply_to_not_found", !ok)
	}
	if c.root != "" {
		f, ok := found(c.root)
		v.because("thread_root_not_found", !ok)
		v.because("thread_root_in_thread", ok && f.root != "")
		v.because("threads_off", s.ThreadsOff)
	}
	v.because("slow_mode", s.SlowMode > 0 && ranks[m.role] < ranks["moderator"] && m.posted > 0 && now < m.posted+1000*s.SlowMode)
}

// judgeAbout judges what is about one message.
func (r *room) judgeAbout(c *request, m member, found func(string) (fact, bool), v *verdict) {
	v.because("room_archived", r.archived() && c.do != redact)
	f, ok := found(c.target)
	if !ok {
		v.because("message_not_found", true)
		return
	}
	gone := r.redacted(f)
	switch c.do {
	case edit:
		_, _, all := r.content(f, 0)
		v.because("forbidden", f.by != c.by || !r.may(m, "post") || all && !r.may(m, "mention_room"))
		v.because("message_redacted", gone)
		longest := r.settings().MaxMessageLength
		v.because("text_too_long", longest > 0 && len(c.text) > longest)
	case redact:
		v.because("forbidden", f.by != c.by && ranks[m.role] < ranks["moderator"])
		v.same = gone
	case pin, unpin:
		v.because("forbidden", !r.may(m, "pin"))
		v.because("message_redacted", gone && c.do == pin)
		v.same = (r.pinnedBy(f.id) > 0) == (c.do == pin)
	case react, unreact:
		v.because("message_redacted", gone)
		v.same = slices.Contains(r.reactors(f.id, c.reaction), c.by) == (c.do == react)
		if c.do == react && !v.same {
			v.because("reactions_off", r.settings().ReactionsOff)
			v.because("forbidden", !r.may(m, "react"))
		}
	default: // it is about no single message
	}
}
