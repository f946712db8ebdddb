package events

import (
	"encoding/json"
	"time"
)

// Type says what an event is. Its facts may have been written in another shape
// once: see [Type.Versioned].
type Type string

// The types of this contract. They only grow.
const (
	TypeRoomCreated   Type = "room.created"
	TypeMemberChanged Type = "member.changed"
	TypeMessagePosted Type = "message.posted"

	TypeRoomUpdated   Type = "room.updated"
	TypeRoomDeleted   Type = "room.deleted"
	TypeRulesUpgraded Type = "room.rules_upgraded"

	TypeMessageEdited   Type = "message.edited"
	TypeMessageRedacted Type = "message.redacted"
	TypeMessagePinned   Type = "message.pinned"
	TypeMessageUnpinned Type = "message.unpinned"
	TypeReactionAdded   Type = "reaction.added"
	TypeReactionRemoved Type = "reaction.removed"

	// What is a person's own takes no seq and is shown to nobody else.
	TypeMarkMoved          Type = "mark.moved"
	TypePreferencesChanged Type = "preferences.changed"

	// What is a person's and of no room stands under [AccountRoom].
	TypeTokensRevoked Type = "tokens.revoked"
)

// Event is an immutable fact about a room, or about an account.
type Event struct {
	ID     EventID
	Type   Type
	Tenant Tenant
	Room   RoomID
	// Time is the author's: when it was sent, or said originally (an import).
	// For display and paging by time; no rule looks at it.
	Time time.Time
	// Expires is when the command behind the event loses its effect: appended
	// later, the fold rejects it. Zero: never.
	Expires time.Time
	// TraceParent is the W3C trace context of the request, or empty.
	TraceParent string
	// ContentKey names the key that Content is encrypted with, or is empty.
	ContentKey string
	// Facts are what the fold judges by, in the newest version of their shape
	// whichever was written. Nil where this program does not know the Type, the
	// Version, or one of the facts: the fold then parks the room.
	Facts Facts
	// Version and RawFacts are the facts as they stand in the log; set by [Decode]
	// only.
	Version  int
	RawFacts string
	// Content is carried and never read by the fold: a JSON object, or a JSON
	// string where it is encrypted.
	Content json.RawMessage
}

// Key is the record key: all events of a room share it, so they share a
// partition and keep their order.
func (e *Event) Key() string { return Key(e.Tenant, e.Room) }

// Key is the record key of a room.
func Key(t Tenant, r RoomID) string { return string(t) + "/" + string(r) }

// Facts are of one of the types below, by value.
//
//sumtype:decl
type Facts interface {
	// EventType is the type that these facts stand for.
	EventType() Type
	// By is the command behind the event.
	By() Command
	sealed()
}

// Command is what the facts of each event say of the command behind it.
type Command struct {
	// Sender is who did it.
	Sender UserID `json:"sender"`
	// Digest is [Digest] of the request, where the client gave a key: under
	// the same key the same digest is a repetition, another one an error.
	Digest string `json:"digest,omitempty"`
}

// By returns the command itself.
func (c Command) By() Command { return c }

func (Command) sealed() {}
