package modelcheck_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// list is a page.
type list[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"`
	Prev  *string `json:"prev"`
}

func decode(a answer, into any) error {
	if err := json.Unmarshal(a.body, into); err != nil {
		return fmt.Errorf("%s: %w", a.body, err)
	}
	return nil
}

// compare reads everything that there is to read, as everyone, and says what is not
// what the model shows.
func (s *scene) compare(models []*room) error {
	for _, user := range people {
		for _, r := range models {
			if err := s.compareRoom(r, user); err != nil {
				return err
			}
		}
		for _, archived := range []bool{false, true} {
			if err := s.compareList(models, user, archived); err != nil {
				return err
			}
		}
		if err := s.compareTold(models, user); err != nil {
			return err
		}
	}
	return nil
}

// is fails where what a person reads is not what the model shows them.
func is[T any](s *scene, user, path string, want T) error {
	var got T
	a, err := s.read(user, path, &got)
	switch {
	case err != nil:
		return err
	case a.status != http.StatusOK:
		return fmt.Errorf("%s: GET %s: %d %s", user, path, a.status, a.body)
	}
	if is, should := text(got), text(want); is != should {
		return fmt.Errorf("%s: GET %s:\n%s; the model has\n%s", user, path, is, should)
	}
	return nil
}

// text is what is compared: of two that mean the same it is the same.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a mistake of this package
	}
	return string(b)
}

// refused fails where a person can read what is not for them.
func refused(s *scene, user, code string, paths ...string) error {
	for _, path := range paths {
		if a := s.do(s.tokens[user], http.MethodGet, path, "", nil); a.code != code || a.status != statuses[code] {
			return fmt.Errorf("%s: GET %s: %d %s; the model says %s", user, path, a.status, a.body, code)
		}
	}
	return nil
}

// compareRoom compares what one person can read of one room.
func (s *scene) compareRoom(r *room, user string) error {
	in := "/v1/rooms/" + r.id
	within := []string{in + "/messages", in + "/events", in + "/members", in + "/pins", in + "/threads", in + "/state"}
	if !r.exists() {
		return refused(s, user, "room_not_found", append(within, in)...)
	}
	m := r.member(user, s.Now().UnixMilli())
	if err := s.compareHead(r, user, m); err != nil {
		return err
	}
	switch {
	case m.membership == "join":
	case r.public() || m.membership == "invite":
		return refused(s, user, "not_a_member", within...)
	default:
		return refused(s, user, "room_not_found", within...)
	}
	for _, compare := range []func(*room, string) error{s.compareMembers, s.compareMessages, s.compareAround, s.compareAt, s.compareThreads, s.comparePins, s.compareEvents, s.compareState, s.compareEach} {
		if err := compare(r, user); err != nil {
			return err
		}
	}
	return nil
}

// head is a room as it is shown.
type head struct {
	Room     string         `json:"room"`
	Kind     string         `json:"kind"`
	Name     string         `json:"name"`
	Members  int            `json:"members"`
	With     string         `json:"with"`
	Settings settings       `json:"settings"`
	Metadata map[string]any `json:"metadata"`
	Archived bool           `json:"archived"`
	Seq      int            `json:"seq"`
	Version  int            `json:"version"`
	Rules    int            `json:"rules"`
}

func (r *room) kind() string {
	if r.isDirect() {
		return "direct"
	}
	return r.made().kind
}

// with is the other person of a direct room.
func (r *room) with(user string) string {
	switch {
	case !r.isDirect():
		return ""
	case r.made().by == user:
		return r.made().whom
	}
	return r.made().by
}

func (s *scene) compareHead(r *room, user string, m member) error {
	path := "/v1/rooms/" + r.id
	now := s.Now().UnixMilli()
	name, _ := r.is()["name"].(string)
	h := head{Room: r.id, Kind: r.kind(), Name: name, Members: r.joined(now)}
	switch {
	case m.membership == "join":
		h.With, h.Settings, h.Archived, h.Seq, h.Version, h.Rules = r.with(user), r.settings(), r.archived(), r.seq(), r.version(), newestRules
		h.Metadata, _ = r.is()["metadata"].(map[string]any)
		if h.Metadata == nil {
			h.Metadata = map[string]any{}
		}
	case !r.public() && m.membership != "invite":
		return refused(s, user, "room_not_found", path)
	}
	return is(s, user, path, h)
}

// shownMember is a member as they are shown.
type shownMember struct {
	User        string       `json:"user"`
	Membership  string       `json:"membership"`
	Role        string       `json:"role"`
	Since       int          `json:"since_seq"`
	Until       string       `json:"until"`
	Read        *int         `json:"read_seq"`
	Delivered   *int         `json:"delivered_seq"`
	Preferences *preferences `json:"preferences"`
}

type preferences struct {
	Muted    bool `json:"muted"`
	Hidden   bool `json:"hidden"`
	Archived bool `json:"archived"`
}

// until is when a ban ends, as it is written.
func until(m member) string {
	if m.until == 0 {
		return ""
	}
	return written(m.until)
}

func (s *scene) compareMembers(r *room, user string) error {
	want := list[shownMember]{Items: []shownMember{}}
	for _, u := range r.members() {
		m := r.member(u, s.Now().UnixMilli())
		if m.membership == "" {
			continue
		}
		shown := shownMember{User: u, Membership: m.membership, Role: m.role, Since: m.since, Until: until(m)}
		if m.membership == "join" && (u == user || r.settings().ReadMarks == "shared") {
			shown.Read, shown.Delivered = &m.read, &m.delivered
		}
		if m.membership == "join" && u == user {
			shown.Preferences = &preferences{m.muted, m.hidden, m.archived}
		}
		want.Items = append(want.Items, shown)
	}
	return is(s, user, "/v1/rooms/"+r.id+"/members?limit=200", want)
}

func (s *scene) compareThreads(r *room, user string) error {
	in := "/v1/rooms/" + r.id
	roots := []message{}
	for _, m := range r.readable(user) {
		if m.Replies == 0 {
			continue
		}
		replies := slices.DeleteFunc(r.readable(user), func(reply message) bool { return reply.ThreadRoot != m.ID })
		if err := is(s, user, in+"/messages/"+m.ID+"/thread?limit=200", list[message]{Items: replies}); err != nil {
			return err
		}
		m.Unread = r.threadUnread(m.ID, user)
		roots = append(roots, m)
	}
	slices.SortFunc(roots, func(a, b message) int { return cmp.Compare(b.LastReplySeq, a.LastReplySeq) })
	return is(s, user, in+"/threads?limit=200", list[message]{Items: roots})
}

func (s *scene) comparePins(r *room, user string) error {
	pins := slices.DeleteFunc(r.readable(user), func(m message) bool { return !m.Pinned || m.Redacted })
	slices.SortFunc(pins, func(a, b message) int { return cmp.Compare(r.pinnedBy(b.ID), r.pinnedBy(a.ID)) })
	return is(s, user, "/v1/rooms/"+r.id+"/pins?limit=200", list[message]{Items: pins})
}

// compareEach reads each message by itself: its versions where it has some, and who
// reacted; and that what is hidden is not there.
func (s *scene) compareEach(r *room, user string) error {
	for _, m := range r.posts() {
		path := "/v1/rooms/" + r.id + "/messages/" + m.id
		if !r.visible(user, m.seq) {
			if err := refused(s, user, "message_not_found", path, path+"/history", path+"/thread", path+"/reactions?key=%2B1"); err != nil {
				return err
			}
			continue
		}
		if len(r.said(m)) > 1 {
			if err := is(s, user, path+"/history", list[version]{Items: r.versions(m, user)}); err != nil {
				return err
			}
		}
		for _, reaction := range r.reactions(m.id, user) {
			type reactor struct{ User string }
			var who []reactor
			for _, u := range r.reactors(m.id, reaction.Key) {
				who = append(who, reactor{u})
			}
			key := url.QueryEscape(reaction.Key)
			if err := is(s, user, path+"/reactions?key="+key, list[reactor]{Items: who}); err != nil {
				return err
			}
		}
	}
	return nil
}
