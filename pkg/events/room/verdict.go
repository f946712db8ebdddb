package room

import "github.com/roomlog/roomlog/pkg/events"

// Status is the kind of a verdict.
type Status string

// The verdicts.
const (
	// Accepted events took effect; those with a seq are part of the room's history.
	Accepted Status = "accepted"
	// Rejected events stay in the log and change nothing.
	Rejected Status = "rejected"
	// Duplicate events repeat an earlier one and change nothing.
	Duplicate Status = "duplicate"
	// Parked events cannot be judged by this program: the room waits.
	Parked Status = "parked"
)

// Code is the stable, machine-readable reason of a rejection or of parking.
type Code string

// Reasons of rejections. Clients see them as the problem's code.
const (
	CodeRoomNotFound   Code = "room_not_found" // also: a room the sender may not see
	CodeRoomIDTaken    Code = "room_id_taken"
	CodeRoomIDReserved Code = "room_id_reserved"
	CodeNotAMember     Code = "not_a_member"
	CodeBanned         Code = "banned"
	CodeUserBanned     Code = "user_banned"  // the target is banned: unban first
	CodeUserJoined     Code = "user_joined"  // the target is a member already
	CodeUserUnknown    Code = "user_unknown" // the target never had to do with the room
	CodeForbidden      Code = "forbidden"
	CodeKeyReused      Code = "idempotency_key_reused"
	CodeExpired        Code = "expired"
	CodeTextTooLong    Code = "text_too_long"
	CodeReplyNotFound  Code = "reply_to_not_found"
	CodeThreadNotFound Code = "thread_root_not_found"
	CodeThreadNested   Code = "thread_root_in_thread" // the root is itself in a thread
	CodeRoomArchived   Code = "room_archived"         // it is read only
	CodeVersion        Code = "version_conflict"      // the room or message has changed since
	CodeMessageUnknown Code = "message_not_found"     // what the event is about
	CodeRedacted       Code = "message_redacted"      // it has no content any more
	CodeSlowMode       Code = "slow_mode"             // too soon after the sender's last message
	CodeReactionsOff   Code = "reactions_off"
	CodeThreadsOff     Code = "threads_off"
	CodeReactionKeys   Code = "too_many_reactions" // with different keys, on one message
	CodeInvalid        Code = "invalid_event"
	// CodeDiscarded is an operator's word about an event that could not be judged.
	CodeDiscarded Code = "discarded"
)

// Reasons of parking.
const (
	CodeUnknownType  Code = "unknown_type" // or facts that only a newer program knows
	CodeUnknownRules Code = "unknown_rules"
	CodePanic        Code = "fold_panicked"
	CodeUnstorable   Code = "row_refused" // the store refuses the event's row, alone too
)

// Verdict is what the fold says of an event.
type Verdict struct {
	Status Status
	// Seq is the event's number in its room; zero where it has none. A
	// duplicate has that of the first.
	Seq events.Seq
	// Code is the reason of a rejection or of parking. A duplicate has that of
	// the first.
	Code Code
	// Of is, for a duplicate, what is known of the first one.
	Of Prior
}

// Binds reports whether the verdict is the one that the event's id keeps: a
// later event with that id is judged against it. What came too late, and what
// another request sent under a taken key, leaves the id as it was.
func (v Verdict) Binds() bool {
	switch v.Status {
	case Accepted:
		return true
	case Rejected:
		return v.Code != CodeExpired && v.Code != CodeKeyReused
	case Duplicate, Parked:
	}
	return false
}

func reject(c Code) (Changes, Verdict) { return Changes{}, Verdict{Status: Rejected, Code: c} }

func park(c Code) (Changes, Verdict) { return Changes{}, Verdict{Status: Parked, Code: c} }

// unchanged accepts a command that asks for what is already so: no seq.
func unchanged() (Changes, Verdict) { return Changes{}, Verdict{Status: Accepted} }
