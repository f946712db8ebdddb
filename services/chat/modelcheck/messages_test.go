package modelcheck_test

import (
	"cmp"
	"slices"
)

// message is one as the API shows it to a person.
type message struct {
	ID           string     `json:"id"`
	Seq          int        `json:"seq"`
	Sender       string     `json:"sender"`
	Type         string     `json:"type"`
	Text         string     `json:"text"`
	ClientMsgID  string     `json:"client_msg_id"`
	ReplyTo      string     `json:"reply_to"`
	ThreadRoot   string     `json:"thread_root"`
	Mentions     []string   `json:"mentions"`
	MentionsRoom bool       `json:"mentions_room"`
	Edited       bool       `json:"edited"`
	Version      int        `json:"version"`
	Redacted     bool       `json:"redacted"`
	Reactions    []reaction `json:"reactions"`
	Replies      int        `json:"replies"`
	LastReplySeq int        `json:"last_reply_seq"`
	Pinned       bool       `json:"pinned"`
	Unread       int        `json:"unread"`
}

type reaction struct {
	Key   string `json:"key"`
	Count int    `json:"count"`
	Mine  bool   `json:"mine"`
}

// version is one of a message's, as the API shows it.
type version struct {
	Version  int      `json:"version"`
	EventID  string   `json:"event_id"`
	Seq      int      `json:"seq"`
	Text     string   `json:"text"`
	Mentions []string `json:"mentions"`
	Redacted bool     `json:"redacted"`
}

// about gives the accepted commands about a message, in order.
func (r *room) about(id string, acts ...act) (facts []fact) {
	for _, f := range r.facts {
		if f.target == id && slices.Contains(acts, f.do) && f.seq > 0 {
			facts = append(facts, f)
		}
	}
	return facts
}

// posts are all messages, in order.
func (r *room) posts() (facts []fact) {
	for _, f := range r.facts {
		if f.do == post {
			facts = append(facts, f)
		}
	}
	return facts
}

// posted finds a message.
func (r *room) posted(id string) (fact, bool) {
	for _, f := range r.posts() {
		if f.id == id {
			return f, true
		}
	}
	return fact{}, false
}

func (r *room) redacted(m fact) bool {
	for _, f := range r.facts {
		switch {
		case f.do == redact && f.target == m.id:
			return true
		case f.do == redactRange && m.seq < f.seq && f.from <= m.seq && m.seq <= f.to && (f.whom == "" || f.whom == m.by):
			return true
		}
	}
	return false
}

// said is a message or an edit of it.
func (r *room) said(m fact) []fact { return append([]fact{m}, r.about(m.id, edit)...) }

// reactors are those who have reacted to a message with a key, ascending.
func (r *room) reactors(id, key string) (users []string) {
	for _, f := range r.about(id, react, unreact) {
		if f.reaction != key {
			continue
		}
		users = slices.DeleteFunc(users, func(u string) bool { return u == f.by })
		if f.do == react {
			users = append(users, f.by)
		}
	}
	slices.Sort(users)
	return users
}

func (r *room) reactions(id, user string) []reaction {
	all := []reaction{}
	for _, f := range r.about(id, react) {
		users := r.reactors(id, f.reaction)
		is := reaction{f.reaction, len(users), slices.Contains(users, user)}
		if len(users) > 0 && !slices.Contains(all, is) {
			all = append(all, is)
		}
	}
	slices.SortFunc(all, func(a, b reaction) int { return cmp.Compare(a.Key, b.Key) })
	return all
}

// pinnedBy is the seq of the event that pinned a message; 0: it is not pinned.
func (r *room) pinnedBy(id string) int {
	if pins := r.about(id, pin, unpin); len(pins) > 0 && pins[len(pins)-1].do == pin {
		return pins[len(pins)-1].seq
	}
	return 0
}

// replies are the messages of a thread.
func (r *room) replies(root string) (facts []fact) {
	for _, f := range r.posts() {
		if f.root == root {
			facts = append(facts, f)
		}
	}
	return facts
}

// message is a message as a person sees it who may read it.
func (r *room) message(m fact, user string) message {
	out := message{
		ID: m.id, Seq: m.seq, Sender: m.by, Type: "text", ReplyTo: m.answered, ThreadRoot: m.root, Redacted: r.redacted(m),
		Reactions: r.reactions(m.id, user), Pinned: r.pinnedBy(m.id) > 0,
	}
	for i, f := range r.said(m) {
		if i > 0 && !r.visible(user, f.seq) {
			continue
		}
		out.Version, out.Edited = i+1, i > 0
		out.Text, out.Mentions, out.MentionsRoom = r.content(m, i)
	}
	if m.client && !out.Redacted {
		out.ClientMsgID = m.key
	}
	for _, f := range r.replies(m.id) {
		out.Replies, out.LastReplySeq = out.Replies+1, f.seq
	}
	return out
}

// content is what a version of a message says. What an edit does not name stays.
func (r *room) content(m fact, version int) (text string, mentions []string, all bool) {
	if r.redacted(m) {
		return "", nil, false
	}
	for i, f := range r.said(m)[:version+1] {
		text = f.text
		if i == 0 || f.mentions != nil {
			mentions = f.mentions
		}
	}
	return text, mentions, m.all
}

// versions are those of a message that a person may read.
func (r *room) versions(m fact, user string) []version {
	all := []version{}
	for i, f := range r.said(m) {
		if r.visible(user, f.seq) {
			text, mentions, _ := r.content(m, i)
			all = append(all, version{i + 1, f.id, f.seq, text, mentions, r.redacted(m)})
		}
	}
	return all
}

// mentioned tells whether a message, as it is now, is for a person's special attention.
func (r *room) mentioned(m fact, user string) bool {
	_, mentions, all := r.content(m, len(r.said(m))-1)
	return m.by != user && (all || slices.Contains(mentions, user))
}

// unread counts the messages outside of threads past a person's mark, and those that
// mention them. Where the room's history is not open, what is from before they joined
// does not count.
func (r *room) unread(user string) (messages, mentions int) {
	m := r.member(user, r.time())
	mark := m.read
	if r.historyAt(r.seq()) != "all" {
		mark = max(mark, m.since)
	}
	for _, f := range r.posts() {
		if f.seq <= mark || r.redacted(f) {
			continue
		}
		if f.root == "" {
			messages++
		}
		if r.mentioned(f, user) {
			mentions++
		}
	}
	return messages, mentions
}

// threadUnread counts the replies of a thread past a person's mark of it.
func (r *room) threadUnread(root, user string) (n int) {
	mark := 0
	for _, f := range r.facts {
		switch {
		case f.by != user || f.root != root:
		case f.do == post:
			mark = f.seq
		case f.do == markRead:
			mark = min(f.to, r.headAt(f))
		}
	}
	for _, f := range r.replies(root) {
		if f.seq > mark && !r.redacted(f) {
			n++
		}
	}
	return n
}
