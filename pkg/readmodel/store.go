package readmodel

import (
	"context"
	"errors"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

// DefaultVersion is the version of the projection that a new installation begins
// with. A rebuild makes the next one beside it.
const DefaultVersion = 1

var (
	// ErrFenced says that the checkpoint is not where the caller left it: another
	// owner has claimed the partition, or an unknown commit has happened.
	ErrFenced = errors.New("partition is claimed by another owner or its checkpoint has moved")
	// ErrRowRefused says that the database refuses what was to be written, and
	// would again: a data error, not one of the connection, the disk or the load.
	ErrRowRefused = errors.New("row refused by the database")
	// ErrNewerSchema says that the database was migrated by a newer program.
	ErrNewerSchema = errors.New("the database has a newer schema than this program knows")
	// ErrOlderSchema says that a database that was opened to be read only has an
	// older schema than this program needs, or none.
	ErrOlderSchema = errors.New("the database has an older schema than this program needs")
	// ErrReadOnly says that a store that was opened to be read only was asked to write.
	ErrReadOnly = errors.New("the read model is open for reading only")
)

// Store is one version of the projection. It is safe for concurrent use.
type Store interface {
	// Claim makes owner the one who may fold the partition: it increments the
	// checkpoint's epoch, so that all earlier owners are fenced, and returns it.
	// A partition that was never claimed starts at offset 0 of the given log.
	Claim(ctx context.Context, p events.Partition, log events.LogID, owner string) (Checkpoint, error)

	// Fold runs one batch in one transaction: it moves the checkpoint from
	// fence.Floor to fence.Next where it still has fence.Epoch ([ErrFenced] where
	// not), reads what needs names, calls fold once with it, writes the returned
	// batch and commits. The views are fold's to keep.
	// After any error the outcome may be either: claim again before going on.
	Fold(ctx context.Context, fence Fence, needs Needs, fold func(Rows) (Batch, error)) error

	// Snapshot calls read with a reader of one moment of the database. What it is going
	// to be asked for first can be told ahead, once: a store that is a network away has
	// it in the round trip that begins the snapshot. Nothing else depends on it.
	Snapshot(ctx context.Context, read func(Reader) error, ahead ...Ahead) error

	// Ping reports whether the database answers.
	Ping(ctx context.Context) error
	Close() error
}

// Ahead is what reads of a room look at: a checkpoint, the room, a member.
type Ahead struct {
	Partition events.Partition
	Key       Key
	User      events.UserID
	// Limit above zero is that of a page of messages before a seq, which is zero for the
	// room's latest.
	Before events.Seq
	Limit  int
}

// Checkpoint is how far a partition has been folded.
type Checkpoint struct {
	Partition events.Partition
	Log       events.LogID
	// Next is the first offset that is not folded.
	Next events.Offset
	// Last is the offset of the record folded last and LastID its
	// fingerprint ([Fingerprint]); LastID is empty where there is none.
	Last   events.Offset
	LastID string
	// Epoch counts claims.
	Epoch int64
	Owner string
	// Updated is when a batch was committed last, by the projector's clock.
	Updated int64
	// Decisions is the first offset of the decisions topic that is not carried out,
	// DecisionsLog the topic's id; zero where none is known.
	Decisions    events.Offset
	DecisionsLog events.LogID
}

// Fence is the claim under which a batch is folded, and where it leads.
type Fence struct {
	Partition events.Partition
	Epoch     int64
	// Floor is the checkpoint's Next before the batch; Next after it.
	Floor, Next events.Offset
	Last        events.Offset
	LastID      string
	Now         int64
	// Decisions and DecisionsLog become the checkpoint's, unless DecisionsLog is
	// zero. Within one topic they never go back.
	Decisions    events.Offset
	DecisionsLog events.LogID
	// Log becomes the checkpoint's, where it is not zero: an operator has accepted
	// that the log is another one.
	Log events.LogID
}

// Key names a room.
type Key struct {
	Tenant events.Tenant
	Room   events.RoomID
}

// Needs are the rows that folding a batch takes, by room.
type Needs map[Key]*RoomNeeds

// RoomNeeds are the rows of one room.
type RoomNeeds struct {
	// Header is to be read, whether the room is blocked, and its highest id: whoever
	// holds a header knows that it is not, and which that is.
	Header bool
	room.Needs
}

// Rows are what Needs named. Every room of Needs has a view.
type Rows struct {
	Views map[Key]*room.View
	// Blocked has the rooms whose events are parked.
	Blocked map[Key]bool
	// Highest has the highest id, in the order of bytes, of what was judged in a room: of
	// higher ones there are no priors.
	Highest map[Key]events.EventID
}

// Batch is what a transaction writes. Rows of one table are in log order; a
// header, member, message state, reaction or revocation stands once, as it is after the batch.
type Batch struct {
	Headers     []*room.Header
	Members     []MemberRow
	States      []StateRow
	Reactions   []ReactionRow
	ThreadMarks []ThreadMarkRow
	Stays       []StayRow
	Histories   []HistoryRow
	Revocations []RevocationRow
	Events      []EventRow
	// Mentions are written after Events, and before Redactions, which take some away.
	Mentions []MentionRow
	// Redactions are carried out last, in order.
	Redactions  []RedactionRow
	Outcomes    []OutcomeRow
	BadRecords  []BadRecord
	DeadLetters []DeadLetter
	// Unparked are parked records that have been judged. They are deleted before
	// DeadLetters are written, so that one may be parked again.
	Unparked []Parked
}

// Parked names a parked record.
type Parked struct {
	Key
	Partition events.Partition
	Offset    events.Offset
}

// MemberRow is a member of a room.
type MemberRow struct {
	Key
	room.Member
}

// StateRow is what became of a message.
type StateRow struct {
	Key
	room.StateChange
}

// ReactionRow is a reaction, there or removed.
type ReactionRow struct {
	Key
	room.ReactionChange
}

// ThreadMarkRow is a person's read mark in a thread.
type ThreadMarkRow struct {
	Key
	room.ThreadMark
}

// StayRow is a time of membership that has ended.
type StayRow struct {
	Key
	room.Stay
}

// HistoryRow is a setting of history and since when it is in force.
type HistoryRow struct {
	Key
	room.HistoryChange
}

// RevocationRow says before which moment a person's tokens were issued that are
// refused, in Unix milliseconds. Written over another, the later moment stays.
type RevocationRow struct {
	Tenant events.Tenant
	User   events.UserID
	Before int64
}

// MentionRow are the mentions of a message, in the place of those that it had.
type MentionRow struct {
	Key
	room.Mentions
}

// RedactionRow takes content away: in events it is "{}" then and Redacted is set,
// mentions are deleted. Facts stay, since a repetition is known by them.
type RedactionRow struct {
	Key
	room.Redaction
}

// EventRow is an accepted event with a seq.
type EventRow struct {
	Key
	Seq        events.Seq
	ID         events.EventID
	Type       events.Type
	Version    int // of the shape of Facts; the column type has it behind the type
	Sender     events.UserID
	SentAt     int64
	LogTime    int64
	Partition  events.Partition
	Offset     events.Offset
	Digest     string
	ThreadRoot events.EventID
	// About is the seq of the message that the event is about; zero: of none.
	About events.Seq
	// Messages is the room's count of messages outside of threads after the event.
	Messages int64
	// LastMessage, Posted and SentUntil are the room's after the event, as in
	// [room.Header]: by these a store finds messages. Nobody else gets them.
	LastMessage       events.Seq `json:"-"`
	Posted, SentUntil int64      `json:"-"`
	// Redacted is the seq of the event that took the content away; zero: none did.
	Redacted   events.Seq
	ContentKey string
	Facts      string // JSON, as in the log
	Content    string // JSON
}

// OutcomeRow is a verdict that made no row in events: a rejection, or an
// acceptance without a seq. Duplicates and parked events have none.
type OutcomeRow struct {
	Key
	ID        events.EventID
	Type      events.Type
	Sender    events.UserID
	Status    room.Status
	Code      room.Code
	Digest    string
	Binds     bool // room.Verdict.Binds
	LogTime   int64
	Partition events.Partition
	Offset    events.Offset
}

// BadRecord is a record that is no event.
type BadRecord struct {
	Partition events.Partition
	Offset    events.Offset
	LogTime   int64
	Reason    string
	Size      int
}

// DeadLetter is a parked record: the first of its room gives the reason, the
// later ones wait behind it ([room.Code] empty).
type DeadLetter struct {
	Key
	Partition events.Partition
	Offset    events.Offset
	LogTime   int64
	ID        events.EventID
	Type      string // with its version: [events.Type.Versioned]
	Code      room.Code
	Reason    string
	Message   events.Message
}
