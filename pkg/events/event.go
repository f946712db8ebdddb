package events

import (
	"encoding/json"
	"time"
)

// Type is an event's ce_type. A changed shape is a new type with a version
// behind it ("message.posted.v2"); the bare name is version 1.
type Type string

// The types of this contract. They only grow.
const (
	TypeRoomCreated   Type = "room.created"
	TypeMemberChanged Type = "member.changed"
	TypeMessagePosted Type = "message.posted"
)

// Event is an immutable fact about a room.
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
	// Facts are what the fold judges by. Nil where this program does not know
	// the Type, or one of the facts: the fold then parks the room.
	Facts Facts
	// RawFacts are the facts as they stand in the log; set by [Decode] only.
	RawFacts json.RawMessage
	// Content is carried and never read by the fold: a JSON object, or a JSON
	// string where it is encrypted.
	Content json.RawMessage
}

// Key is the record key: all events of a room share it, so they share a
// partition and keep their order.
func (e *Event) Key() string { return Key(e.Tenant, e.Room) }

// Key is the record key of a room.
func Key(t Tenant, r RoomID) string { return string(t) + "/" + string(r) }

// Facts is one of [RoomCreated], [MemberChanged], [MessagePosted], by value.
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

// RoomKind says who can find and join a room.
type RoomKind string

// Kinds of rooms.
const (
	// RoomPublic rooms can be seen and joined by anyone in the tenant.
	RoomPublic RoomKind = "public"
	// RoomPrivate rooms can be seen by members and the invited only.
	RoomPrivate RoomKind = "private"
)

// RoomSettings are the switches that the fold looks at. Zero values are the
// defaults.
type RoomSettings struct {
	// MaxMessageLength is the longest text in bytes; zero is [MaxText].
	MaxMessageLength int `json:"max_message_length,omitempty"`
}

// RoomCreated begins a room; its sender is the room's first member and owner.
type RoomCreated struct {
	Command
	Kind RoomKind `json:"kind"`
	// Rules is the version of the rules that the room is judged by.
	Rules    int          `json:"rules"`
	Settings RoomSettings `json:"settings"`
}

// EventType is [TypeRoomCreated].
func (RoomCreated) EventType() Type { return TypeRoomCreated }

// Membership is a person's standing in a room.
type Membership string

// Memberships. Someone who never had to do with the room has none (empty).
const (
	MembershipNone   Membership = ""
	MembershipInvite Membership = "invite"
	MembershipJoin   Membership = "join"
	MembershipLeave  Membership = "leave"
	MembershipBan    Membership = "ban"
)

// Role is what a member may do.
type Role string

// Roles, the strongest first.
const (
	RoleOwner     Role = "owner"
	RoleModerator Role = "moderator"
	RoleMember    Role = "member"
)

// MemberChanged asks for a person's membership to become another. Whether that
// is a join, a kick or an unban depends on what stands before it in the log.
type MemberChanged struct {
	Command
	Target     UserID     `json:"target"`
	Membership Membership `json:"membership"`
	// Role is set where the sender names one.
	Role Role `json:"role,omitempty"`
	// Until ends a ban (by the log's time), in Unix milliseconds; zero: never.
	Until int64 `json:"until,omitempty"`
}

// EventType is [TypeMemberChanged].
func (MemberChanged) EventType() Type { return TypeMemberChanged }

// MessagePosted is a message to a room.
type MessagePosted struct {
	Command
	// Kind is the message's type: "text", "notice", "action", or a client's own.
	Kind string `json:"kind"`
	// TextBytes is the length of the text.
	TextBytes int `json:"text_bytes"`
	// ReplyTo is the message that this one answers.
	ReplyTo EventID `json:"reply_to,omitempty"`
	// ThreadRoot is the message whose thread this one belongs to.
	ThreadRoot  EventID  `json:"thread_root,omitempty"`
	Mentions    []UserID `json:"mentions,omitempty"`
	Attachments int      `json:"attachments,omitempty"`
}

// EventType is [TypeMessagePosted].
func (MessagePosted) EventType() Type { return TypeMessagePosted }
