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
	// ContentSeq is the event that carries the room's name and metadata.
	ContentSeq events.Seq
	// LastMessage is the last message's seq, zero before the first.
	LastMessage events.Seq
	// Members counts those who have joined.
	Members int64
	// Created is the log's time of the first event; LogTime that of the last
	// accepted one, never going back. Both in Unix milliseconds.
	Created, LogTime int64
}

// Member is a person's standing in a room.
type Member struct {
	User       events.UserID
	Membership events.Membership
	Role       events.Role // of those who have joined
	// Since is the seq of the event that gave the present membership.
	Since events.Seq
	// Until ends a ban, in Unix milliseconds of the log's time; zero: never.
	Until int64
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
}

// View is what the fold may look at. The caller fills what [NeedsOf] names; a
// missing key says that there is no such row.
type View struct {
	// Header is nil where the room does not exist.
	Header  *Header
	Members map[events.UserID]Member
	Priors  map[events.EventID]Prior
}

// NewView returns the view of a room that does not exist.
func NewView() *View {
	return &View{Members: map[events.UserID]Member{}, Priors: map[events.EventID]Prior{}}
}

// Needs names the rows that judging an event takes, beside the room's header.
type Needs struct {
	Members []events.UserID
	Priors  []events.EventID
}

// NeedsOf names the rows that judging e takes, none twice. It depends on e alone.
func NeedsOf(e *events.Event) Needs {
	if e.Facts == nil {
		return Needs{}
	}
	n := Needs{Members: []events.UserID{e.Facts.By().Sender}, Priors: []events.EventID{e.ID}}
	switch f := e.Facts.(type) {
	case events.RoomCreated:
	case events.MemberChanged:
		if f.Target != f.Sender {
			n.Members = append(n.Members, f.Target)
		}
	case events.MessagePosted:
		for _, id := range []events.EventID{f.ReplyTo, f.ThreadRoot} {
			if id != "" && !slices.Contains(n.Priors, id) {
				n.Priors = append(n.Priors, id)
			}
		}
	}
	return n
}

// Changes is what an event does to a room. The event's own row follows from the
// event and its verdict.
type Changes struct {
	// Header is the room's header afterwards, nil where it stays as it is.
	Header *Header
	// Members are the rows that became others.
	Members []Member
}

// Advance brings the view to the state after e, so that the next event of a
// batch is judged by it.
func (v *View) Advance(e *events.Event, c Changes, verdict Verdict) {
	if c.Header != nil {
		v.Header = c.Header
	}
	for _, m := range c.Members {
		v.Members[m.User] = m
	}
	if verdict.Binds() {
		v.Priors[e.ID] = PriorOf(e, verdict)
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
