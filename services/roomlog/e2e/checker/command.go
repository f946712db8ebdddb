package checker

import "github.com/roomlog/roomlog/pkg/events"

// Kind is what a command does.
type Kind int

// Kinds of commands.
const (
	// Message commands post [Command.Body].
	Message Kind = iota
	// Membership commands change the sender's own membership; where that is so
	// already they are accepted without a seq.
	Membership
	// Creation commands make the room.
	Creation
)

// Expectation is what must become of a command once the log has it.
type Expectation int

// Expectations. Attempts of one command that differ make [MayReject].
const (
	MustAccept Expectation = iota
	// MayReject is for commands whose sender does not know where they stand in
	// the room.
	MayReject
	// MustReject is for commands sent when their sender had left the room.
	MustReject
)

// Command is what a client wants. Room, User and Key name it: the same command
// may be sent any number of times.
type Command struct {
	Room events.RoomID
	User events.UserID
	// Key is the idempotency key, used once per room and user.
	Key  string
	Kind Kind
	// Body is the text of a message; no two commands of a room have the same.
	Body string
	// Expect is what must become of it.
	Expect Expectation
}

type commandKey struct {
	room events.RoomID
	user events.UserID
	key  string
}

func (c Command) id() commandKey { return commandKey{c.Room, c.User, c.Key} }

// Outcome is what the server says has become of an event.
type Outcome struct {
	Status Status
	Seq    events.Seq // zero: none
	Code   string     // of a rejection
}

// Status is that of an outcome.
type Status string

// The statuses that the API knows.
const (
	Pending  Status = "pending"
	Accepted Status = "accepted"
	Rejected Status = "rejected"
	Expired  Status = "expired"
)
