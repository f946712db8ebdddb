package readmodel

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

// Reader reads one moment of the tables. What is not there is reported as
// false or an empty list, not as an error.
type Reader interface {
	// Projection is the version of the projection that is read.
	Projection() int

	// Checkpoints of all partitions that were ever claimed, ascending.
	Checkpoints(ctx context.Context) ([]Checkpoint, error)
	Checkpoint(ctx context.Context, p events.Partition) (Checkpoint, bool, error)

	Room(ctx context.Context, k Key) (RoomRow, bool, error)
	// RoomsOf lists the rooms that the user has joined or is invited to, the one with
	// the latest event first, after the cursor (zero: from the beginning). Those that
	// the user has archived are listed apart; those that they have hidden, and
	// nothing was posted in since, and those that are deleted are not listed.
	RoomsOf(ctx context.Context, t events.Tenant, u events.UserID, archived bool, after RoomCursor, limit int) ([]UserRoom, error)
	Member(ctx context.Context, k Key, u events.UserID) (room.Member, bool, error)
	// Members lists ascending by user id, after the given one.
	Members(ctx context.Context, k Key, after events.UserID, limit int) ([]room.Member, error)

	// Events lists accepted events with a seq above after, ascending; no types: all.
	Events(ctx context.Context, k Key, after events.Seq, types []events.Type, limit int) ([]EventRow, error)
	Event(ctx context.Context, k Key, id events.EventID) (EventRow, bool, error)
	// Heads lists where in the log all rooms are that the user has or had to do with,
	// by room id.
	Heads(ctx context.Context, t events.Tenant, u events.UserID) ([]Head, error)
	// SeqBefore gives the last seq of the room at an offset below o; zero: there is
	// none. It takes as long as there are events behind it.
	SeqBefore(ctx context.Context, k Key, o events.Offset) (events.Seq, error)
	// View reads what judging an event takes.
	View(ctx context.Context, k Key, needs room.Needs) (*room.View, error)

	// Messages are the events of type message.posted, with what became of them;
	// always ascending by seq. Those in threads are among them.
	MessagesBefore(ctx context.Context, k Key, before events.Seq, limit int) ([]MessageRow, error)
	MessagesAfter(ctx context.Context, k Key, after events.Seq, limit int) ([]MessageRow, error)
	Message(ctx context.Context, k Key, id events.EventID) (MessageRow, bool, error)
	// Edits lists the edits of a message, ascending, with a seq above after.
	Edits(ctx context.Context, k Key, message, after events.Seq, limit int) ([]EventRow, error)
	// Thread lists the messages of a thread, without its root, ascending, with a seq
	// above after; ThreadBefore those below before.
	Thread(ctx context.Context, k Key, root events.EventID, after events.Seq, limit int) ([]MessageRow, error)
	ThreadBefore(ctx context.Context, k Key, root events.EventID, before events.Seq, limit int) ([]MessageRow, error)
	// Threads lists the roots of threads, the one with the latest reply first, whose
	// last reply is before a seq.
	Threads(ctx context.Context, k Key, before events.Seq, limit int) ([]MessageRow, error)
	// ThreadUnread counts for each root the replies that u has not read and that are
	// not redacted.
	ThreadUnread(ctx context.Context, k Key, u events.UserID, roots []MessageRow) (map[events.Seq]int64, error)
	// Pins lists the pinned messages that are not redacted, the latest pin first,
	// pinned before a seq.
	Pins(ctx context.Context, k Key, before events.Seq, limit int) ([]MessageRow, error)
	// Reacted gives the keys with which u reacted to messages from one seq to another.
	Reacted(ctx context.Context, k Key, u events.UserID, from, to events.Seq) (map[events.Seq][]string, error)
	// Reactors lists who reacted to a message with a key, ascending, after a user.
	Reactors(ctx context.Context, k Key, message events.Seq, key string, after events.UserID, limit int) ([]events.UserID, error)
	// Stays and Histories are what visibility takes, ascending.
	Stays(ctx context.Context, k Key, u events.UserID) ([]room.Stay, error)
	Histories(ctx context.Context, k Key) ([]room.HistoryChange, error)

	// Revocation gives the moment before which a person's tokens were issued that are
	// refused, Revocations those of everybody.
	Revocation(ctx context.Context, t events.Tenant, u events.UserID) (RevocationRow, bool, error)
	Revocations(ctx context.Context) ([]RevocationRow, error)

	// MessageAt finds the seq of the first message, in the order of the room, that was
	// sent at the time or later.
	MessageAt(ctx context.Context, k Key, sentAt int64) (events.Seq, bool, error)

	// Outcome is the verdict that the event id keeps; where none binds, the
	// latest one (expired, key reused).
	Outcome(ctx context.Context, k Key, id events.EventID) (Outcome, bool, error)
	// OutcomeAt is the verdict of the record at that very position, where it has
	// one of its own (not of a duplicate).
	OutcomeAt(ctx context.Context, k Key, id events.EventID, p events.Partition, o events.Offset) (Outcome, bool, error)

	// Blocked gives the offset of the first parked event of a blocked room.
	Blocked(ctx context.Context, k Key) (DeadLetter, bool, error)
	// Parked lists the parked records of a room, in log order.
	Parked(ctx context.Context, k Key, limit int) ([]DeadLetter, error)
	// BlockedRooms lists the first parked event of each blocked room.
	BlockedRooms(ctx context.Context, limit int) ([]DeadLetter, error)
	// Counts tells how many records were set aside, by partition.
	Counts(ctx context.Context) (map[events.Partition]Counts, error)

	// Dump calls row for every row of the projection, ascending by table and then
	// by key (both bytewise), written canonically: equal projections dump equally,
	// in any store. No positions, checkpoints, bad records or dead letters.
	Dump(ctx context.Context, row func(DumpRow) error) error
	// DumpPositions is Dump for what Dump leaves out: what depends on where the log has
	// each event and on the program that folded (bad records, dead letters, positions
	// of events and outcomes), copies of what it has, and whether events are found by their
	// ids.
	DumpPositions(ctx context.Context, row func(DumpRow) error) error
}

// RoomRow is a room with the event that carries its name and metadata.
type RoomRow struct {
	room.Header
	Content string // JSON of events.RoomContent
}

// UserRoom is a room as one of a person's rooms.
type UserRoom struct {
	RoomRow
	Member room.Member
	// Last is the room's last message; its Seq is zero where there is none.
	Last MessageRow
	// Unread counts the messages outside of threads past the read mark that are not
	// redacted. Mentions counts the messages past it, in threads too, that mention
	// the person or the room, and are not redacted. Where history is not open to
	// newcomers, both begin with the join at the earliest.
	Unread, Mentions int64
}

// Head is where in the log a room is, for a user who has or had to do with it.
type Head struct {
	Room      events.RoomID
	Partition events.Partition
	// Deleted says that the room is there for nobody.
	Deleted bool
	// Members counts those who have joined.
	Members int64
	// Last is the offset of the room's last event.
	Last events.Offset
	// Membership is the user's, since an event with that seq and offset.
	Membership  events.Membership
	Since       events.Seq
	SinceOffset events.Offset
	// Blocked is the offset from which on the room's events are parked; negative:
	// they are not.
	Blocked events.Offset
}

// MessageRow is a message and what became of it. Of the event it has what a message
// shows: key, seq, id, type and version, sender, when it was sent, whether it is
// redacted, facts and content. The rest is zero.
type MessageRow struct {
	EventRow
	State room.MessageState
	// Edited is the last edit, which carries the present content; nil where there was
	// none. Of a redacted message it is redacted too.
	Edited *EventRow
}

// RoomCursor is a place in a list of rooms.
type RoomCursor struct {
	LogTime int64
	Room    events.RoomID
}

// Outcome is what became of a command.
type Outcome struct {
	Type      events.Type
	Sender    events.UserID
	Status    room.Status
	Code      room.Code
	Seq       events.Seq
	Digest    string
	Partition events.Partition
	Offset    events.Offset
}

// Counts of records set aside.
type Counts struct {
	BadRecords   int64 `json:"bad_records"`
	DeadLetters  int64 `json:"dead_letters"`
	BlockedRooms int64 `json:"blocked_rooms"`
}

// DumpRow is one row of a canonical dump.
type DumpRow struct {
	Table string
	Key   string // unique within the table, ascending
	Value string // JSON
}
