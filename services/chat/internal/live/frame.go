package live

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Frame is what followers of a room are given, encoded once for all of them.
type Frame struct {
	readmodel.Key
	Partition events.Partition
	Offset    events.Offset
	// Seq is zero where the frame is no event: then it is ephemeral, or says that
	// the room is blocked.
	Seq  events.Seq
	Type events.Type
	// About is the seq of the message that the event is about; zero: of none.
	About events.Seq
	// Item is the event as JSON.
	Item json.RawMessage
	// SSE is the event in the form of a stream of server-sent events, without an id.
	SSE []byte
	// People are those whose membership it changes, to Membership.
	People     []events.UserID
	Membership events.Membership
	// Blocked says that the room's events are parked from Offset on.
	Blocked bool
}

// NewFrame encodes an event. An error says that the row does not hold what the
// codec wrote.
func NewFrame(row *readmodel.EventRow) (*Frame, error) {
	item, err := row.Item()
	if err != nil {
		return nil, err
	}
	f := &Frame{
		Key: row.Key, Partition: row.Partition, Offset: row.Offset, Seq: row.Seq, Type: row.Type, About: row.About,
	}
	if err := f.encode(item); err != nil {
		return nil, fmt.Errorf("encode event %s: %w", row.ID, err)
	}
	return f, f.people(row)
}

// NewEphemeral encodes what is told to a room and is no event of the log.
func NewEphemeral(k readmodel.Key, t events.Type, item any) (*Frame, error) {
	f := &Frame{Key: k, Type: t}
	return f, f.encode(item)
}

// encode writes the item, and the lines of a stream around it: JSON has no line
// breaks of its own.
func (f *Frame) encode(item any) error {
	data, err := json.Marshal(item)
	if err != nil {
		return err
	}
	const event, then, end = "event: ", "\ndata: ", "\n\n"
	b := make([]byte, 0, len(event)+len(f.Type)+len(then)+len(data)+len(end))
	b = append(append(append(b, event...), f.Type...), then...)
	begin := len(b)
	b = append(b, data...)
	f.Item = json.RawMessage(b[begin:len(b):len(b)])
	f.SSE = append(b, end...)
	return nil
}

// people notes whose membership the event changes.
func (f *Frame) people(row *readmodel.EventRow) error {
	if row.Type != events.TypeMemberChanged && row.Type != events.TypeRoomCreated {
		return nil
	}
	facts, err := row.DecodeFacts()
	if err != nil {
		return err
	}
	if changed, ok := facts.(events.MemberChanged); ok {
		f.People, f.Membership = []events.UserID{changed.Target}, changed.Membership
		return nil
	}
	f.People, f.Membership = []events.UserID{row.Sender}, events.MembershipJoin
	if with := facts.(events.RoomCreated).With; with != "" {
		f.People = append(f.People, with)
	}
	return nil
}

// Ephemeral reports whether the frame is no event: it has no id, and whoever is
// slow does without it.
func (f *Frame) Ephemeral() bool { return f.Seq == 0 && !f.Blocked }

// Concerns reports whether the event is about the user's own membership.
func (f *Frame) Concerns(u events.UserID) bool { return slices.Contains(f.People, u) }

// Opens reports whether the event lets the user into the room.
func (f *Frame) Opens(u events.UserID) bool {
	return f.Membership == events.MembershipJoin && f.Concerns(u)
}

// Ends says why the event takes the room away from the user, if it does.
func (f *Frame) Ends(u events.UserID) string {
	switch {
	case f.Type == events.TypeRoomDeleted:
		return EndRoomDeleted
	case (f.Membership == events.MembershipLeave || f.Membership == events.MembershipBan) && f.Concerns(u):
		return EndNotAMember
	}
	return ""
}
