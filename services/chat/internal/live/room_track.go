package live

import (
	"context"
	"strconv"

	"github.com/roomlog/roomlog/pkg/events"
)

// Sight says what of a room a reader may see.
type Sight interface {
	// Contains reports whether they may read the event with that seq, as far as it
	// is not about another one.
	Contains(seq events.Seq) bool
}

// sees reports whether the reader may see an event: it, and the message that it is
// about; or it is about their own membership.
func sees(s Sight, u events.UserID, f *Frame) bool {
	return f.Concerns(u) || s.Contains(f.Seq) && (f.About == 0 || s.Contains(f.About))
}

// Page is a stretch of a room's events, read in one moment.
type Page struct {
	// Frames are the events that the reader may see and wants, ascending.
	Frames []*Frame
	// Cursor is the seq up to which the page has everything.
	Cursor events.Seq
	// More says that the room had events behind the page.
	More bool
	// Member says whether the reader was a member of the room.
	Member bool
}

// RoomTrack is the track of a stream of one room: its cursor is a seq.
type RoomTrack struct {
	User events.UserID
	// Horizon is the room's seq when the reader was let in: an event after it
	// that takes the room away from the reader ends the stream.
	Horizon events.Seq
	// Sight is what the reader may see, as of when they were let in. It holds as
	// long as they stay: whatever the room's history is set to, members see what
	// happens in their presence.
	Sight Sight
	// Wanted says which types the reader asked for; nil: all.
	Wanted func(events.Type) bool
	// Read reads from the read model, everything after a seq.
	Read func(ctx context.Context, after events.Seq) (Page, error)

	cursor events.Seq
	after  events.Seq // what the client asked for: nothing up to it is shown
}

var _ Track = (*RoomTrack)(nil)

// Begin sets the seq after which the stream begins.
func (t *RoomTrack) Begin(after events.Seq) {
	// A cursor above what there is must not step over the event that takes the
	// room away: what lies between is read, and not shown.
	t.after, t.cursor = after, min(after, t.Horizon)
}

// Replay implements [Track].
func (t *RoomTrack) Replay(ctx context.Context, show Show) (more bool, end string, err error) {
	page, err := t.Read(ctx, t.cursor)
	if err != nil {
		return false, "", err
	}
	for _, f := range page.Frames {
		if end, err := t.show(f, show); end != "" || err != nil {
			return false, end, err
		}
	}
	t.cursor = max(t.cursor, page.Cursor)
	if !page.More && !page.Member {
		end = EndNotAMember
	}
	return page.More, end, nil
}

// Take implements [Track]. Seqs are dense: a smaller one was there before, a
// greater one shows that some are missing.
func (t *RoomTrack) Take(f *Frame, show Show) (behind bool, end string, err error) {
	switch {
	case f.Seq > t.cursor+1:
		return true, "", nil
	case f.Seq == t.cursor+1:
		end, err = t.show(f, show)
		return false, end, err
	}
	return false, t.endedBy(f), nil
}

// Missed implements [Track]: the seqs tell.
func (t *RoomTrack) Missed([]events.Partition) {}

// Sees implements [Track].
func (t *RoomTrack) Sees(f *Frame) bool { return t.wants(f) }

// Cursor implements [Track].
func (t *RoomTrack) Cursor(b []byte) []byte {
	return strconv.AppendInt(b, int64(max(t.cursor, t.after)), 10)
}

// show moves the cursor over an event and shows it where it is for the reader.
func (t *RoomTrack) show(f *Frame, show Show) (end string, err error) {
	t.cursor = f.Seq
	if end = t.endedBy(f); end != "" {
		t.after = min(t.after, f.Seq) // its own id, wherever the client began
		return end, show(f)
	}
	if f.Seq > t.after && t.wants(f) && sees(t.Sight, t.User, f) {
		return "", show(f)
	}
	return "", nil
}

func (t *RoomTrack) wants(f *Frame) bool { return t.Wanted == nil || t.Wanted(f.Type) }

// endedBy says why the event took the room away from the reader since they were
// let in, if it did.
func (t *RoomTrack) endedBy(f *Frame) string {
	if f.Seq <= t.Horizon {
		return ""
	}
	return f.Ends(t.User)
}
