package room

import (
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
)

// Header is what the fold keeps of a room: its size does not depend on how many
// members or messages the room has.
type Header struct {
	Tenant   events.Tenant
	Room     events.RoomID
	Kind     events.RoomKind
	Rules    int
	Creator  events.UserID
	Settings events.RoomSettings
	// Seq is the last one given.
	Seq events.Seq
	// Digest tells which event has which seq, up to Seq: see [NextDigest].
	Digest string
	// Version counts how often settings, name or metadata were given.
	Version int
	// ContentSeq is the event that carries the room's name and metadata.
	ContentSeq events.Seq
	// LastMessage is the last message's seq, zero before the first.
	LastMessage events.Seq
	// Messages counts the messages that were posted outside of threads: what can be
	// unread. Those that were redacted since are among them.
	Messages int64
	// Posted counts all messages, those in threads too; SentUntil is the latest time at
	// which one of them was sent, in Unix milliseconds.
	Posted, SentUntil int64
	// Archived rooms are read only. Deleted ones are there for nobody.
	Archived, Deleted bool
	// Members counts those who have joined.
	Members int64
	// Created is the log's time of the first event; LogTime that of the last
	// accepted one, never going back. Both in Unix milliseconds.
	Created, LogTime int64
}

// Member is a person's standing in a room, and what they keep about it.
type Member struct {
	User       events.UserID
	Membership events.Membership
	Role       events.Role // of those who have joined
	// Since is the seq of the event that gave the present membership.
	Since events.Seq
	// Invited is the seq of the invitation that the present join followed; zero
	// where there was none.
	Invited events.Seq
	// Until ends a ban, in Unix milliseconds of the log's time; zero: never.
	Until int64
	// Read and Delivered are the person's marks: everything up to that seq.
	Read, Delivered events.Seq
	// LastPost is the log's time of their last message, in Unix milliseconds.
	LastPost int64
	// Muted, and Archived: the person's preferences. Hidden is the room's seq when
	// they hid it, zero where they did not.
	Muted, Archived bool
	Hidden          events.Seq
}

// Prior is what is already known of an event id in the room.
type Prior struct {
	Type   events.Type
	Sender events.UserID
	Digest string
	// Seq is zero where the event was accepted without one, or rejected.
	Seq events.Seq
	// Code is the reason where it was rejected.
	Code Code
	// ThreadRoot is the thread that a message belongs to.
	ThreadRoot events.EventID
	// Redacted is the seq of the event that took a message's content away; zero
	// where none did.
	Redacted events.Seq
}

// MessageState is what became of a message since it was posted.
type MessageState struct {
	// Edits counts the edits: the message's version is one more. Edit is the seq of
	// the last one, which carries the present content.
	Edits int
	Edit  events.Seq
	// Replies counts the messages of the thread of which this one is the root, those
	// that were redacted since among them; LastReply is the last one's seq.
	Replies   int64
	LastReply events.Seq
	// Pinned is the seq of the event that pinned it.
	Pinned events.Seq
	// Reactions ascend by key, each with a count above zero: at most
	// [MaxReactionKeys].
	Reactions []ReactionCount
}

// ReactionCount is how many people reacted to a message with a key.
type ReactionCount struct {
	Key   string `json:"key"`
	Count int64  `json:"count"`
}

// ReactionID names a reaction.
type ReactionID struct {
	Target events.EventID
	Key    string
	User   events.UserID
}

// View is what the fold may look at. The caller fills what [NeedsOf] names; a
// missing key says that there is no such row.
type View struct {
	// Header is nil where the room does not exist.
	Header  *Header
	Members map[events.UserID]Member
	Priors  map[events.EventID]Prior
	// States are those of the messages among Priors that something became of.
	States    map[events.EventID]MessageState
	Reactions map[ReactionID]bool

	reused reused
}

// reused is where judging writes, where one judgement is had at a time.
type reused struct {
	on      bool
	headers [2]*Header
	members []Member
}

// Reuse says that judgements follow each other: of what one gave, nobody has the members
// any more when the next is given, nor the header when the next but one is. All of
// what a room's events give is written to the same few places then.
func (v *View) Reuse() { v.reused.on = true }

// header gives what a judgement says as header, which is not where the view has its own.
func (v *View) header(h *Header) *Header {
	if !v.reused.on {
		made := *h
		return &made
	}
	free := &v.reused.headers[0]
	if *free == v.Header && v.Header != nil {
		free = &v.reused.headers[1]
	}
	if *free == nil {
		*free = new(Header)
	}
	**free = *h
	return *free
}

// members gives what a judgement says as members.
func (v *View) members(changed []Member) []Member {
	if !v.reused.on || len(changed) == 0 {
		return slices.Clone(changed)
	}
	v.reused.members = append(v.reused.members[:0], changed...)
	return v.reused.members
}

// NewView returns the view of a room that does not exist.
func NewView() *View {
	return &View{
		Members: map[events.UserID]Member{}, Priors: map[events.EventID]Prior{},
		States: map[events.EventID]MessageState{}, Reactions: map[ReactionID]bool{},
	}
}

// Needs names the rows that judging an event takes, beside the room's header.
type Needs struct {
	Members   []events.UserID
	Priors    []events.EventID
	Reactions []ReactionID
}

// NeedsOf names the rows that judging e takes, none twice. It depends on e alone.
func NeedsOf(e *events.Event) Needs {
	var n Needs
	n.Add(e)
	return n
}

// Add names the rows that judging e takes too, beside those that are named already.
func (n *Needs) Add(e *events.Event) {
	if e.Facts == nil {
		return
	}
	by, own := e.Facts.By(), len(n.Priors)
	n.Members, n.Priors = append(n.Members, by.Sender), append(n.Priors, e.ID)
	about := func(ids ...events.EventID) {
		for _, id := range ids {
			if id != "" && !slices.Contains(n.Priors[own:], id) {
				n.Priors = append(n.Priors, id)
			}
		}
	}
	switch f := e.Facts.(type) {
	case events.MemberChanged:
		if f.Target != f.Sender {
			n.Members = append(n.Members, f.Target)
		}
	case events.MessagePosted:
		about(f.ReplyTo, f.ThreadRoot)
	case events.MessageEdited:
		about(f.Target)
	case events.MessageRedacted:
		about(f.Target)
	case events.MessagePinned:
		about(f.Target)
	case events.MessageUnpinned:
		about(f.Target)
	case events.MarkMoved:
		about(f.ThreadRoot)
	case events.ReactionAdded:
		about(f.Target)
		n.Reactions = append(n.Reactions, ReactionID{f.Target, f.Key, by.Sender})
	case events.ReactionRemoved:
		about(f.Target)
		n.Reactions = append(n.Reactions, ReactionID{f.Target, f.Key, by.Sender})
	case events.RoomCreated, events.RoomUpdated, events.RoomDeleted, events.RulesUpgraded, events.PreferencesChanged, events.TokensRevoked:
	}
}

// Changes is what an event does to a room. The event's own row follows from the
// event and its verdict. Members, States and Reactions are rows that became
// others, as they are afterwards; the rest is what is added or done.
type Changes struct {
	// Header is the room's header afterwards, nil where it stays as it is.
	Header  *Header
	Members []Member
	// About is the seq of the message that the event is about; zero: of none.
	About     events.Seq
	States    []StateChange
	Reactions []ReactionChange
	// Mentions are those of a message, in the place of any that it had.
	Mentions *Mentions
	// Redaction takes content away.
	Redaction *Redaction
	// Stay is a time of membership that has ended.
	Stay *Stay
	// History is the setting of history that is in force from the event on.
	History *HistoryChange
	// ThreadMark is the sender's read mark in a thread.
	ThreadMark *ThreadMark
	// Revocation ends tokens; the latest moment counts.
	Revocation *Revocation
}

// StateChange is the state of a message.
type StateChange struct {
	ID  events.EventID
	Seq events.Seq // of the message
	MessageState
}

// ReactionChange adds a reaction, or removes it.
type ReactionChange struct {
	ReactionID
	Seq     events.Seq // of the message
	Removed bool
}

// Mentions are the people whom a message mentions, none twice.
type Mentions struct {
	Seq   events.Seq // of the message
	Users []events.UserID
	Room  bool // it concerns everyone in the room
}

// Redaction takes away the content of the messages from From to To, of their
// edits, and of their mentions.
type Redaction struct {
	From, To events.Seq
	// Author, where set, leaves out the messages of others.
	Author events.UserID
	// By is the seq of the event that does it.
	By events.Seq
	// All takes away the content of all other events too: of a room that is deleted.
	All bool
}

// covers reports whether the redaction takes away the content of the message.
func (r *Redaction) covers(p Prior) bool {
	return p.Type == events.TypeMessagePosted && p.Redacted == 0 && p.Seq >= r.From && p.Seq <= r.To && p.Seq > 0 &&
		(r.Author == "" || r.Author == p.Sender)
}

// ThreadMark is a person's read mark in a thread.
type ThreadMark struct {
	User events.UserID
	Root events.Seq // of the thread's first message
	Read events.Seq
}

// Advance brings the view to the state after e, so that the next event of a
// batch is judged by it.
func (v *View) Advance(e *events.Event, c Changes, verdict Verdict) {
	v.Change(c)
	if verdict.Binds() {
		v.Priors[e.ID] = PriorOf(e, verdict)
	}
}

// Change is Advance where no later event of the batch names this one.
func (v *View) Change(c Changes) {
	if c.Header != nil {
		v.Header = c.Header
	}
	for _, m := range c.Members {
		v.Members[m.User] = m
	}
	for _, s := range c.States {
		v.States[s.ID] = s.MessageState
	}
	for _, r := range c.Reactions {
		v.Reactions[r.ReactionID] = !r.Removed
	}
	if c.Redaction != nil {
		for id, p := range v.Priors {
			if c.Redaction.covers(p) {
				p.Redacted = c.Redaction.By
				v.Priors[id] = p
			}
		}
	}
}

// PriorOf is what later events need to know of e.
func PriorOf(e *events.Event, v Verdict) Prior {
	by := e.Facts.By()
	p := Prior{Type: e.Type, Sender: by.Sender, Digest: by.Digest, Seq: v.Seq, Code: v.Code}
	if f, ok := e.Facts.(events.MessagePosted); ok {
		p.ThreadRoot = f.ThreadRoot
	}
	return p
}
