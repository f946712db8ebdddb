package events

// RoomKind says who can find and join a room.
type RoomKind string

// Kinds of rooms.
const (
	// RoomPublic rooms can be seen and joined by anyone in the tenant.
	RoomPublic RoomKind = "public"
	// RoomPrivate rooms can be seen by members and the invited only.
	RoomPrivate RoomKind = "private"
	// RoomDirect rooms are those of two people, who stay in it: see [DirectRoomID].
	RoomDirect RoomKind = "direct"
)

// History says which of a room's events a member may read. What is posted while
// a setting is in force stays under it.
type History string

// Settings of history. Empty is HistoryAll.
const (
	// HistoryAll lets members read everything.
	HistoryAll History = "all"
	// HistoryInvited lets them read what was posted since they were invited.
	HistoryInvited History = "invited"
	// HistoryJoined lets them read what was posted while they were members.
	HistoryJoined History = "joined"
)

// ReadMarks says who sees how far a member has read.
type ReadMarks string

// Settings of read marks. Empty is ReadMarksPrivate.
const (
	ReadMarksPrivate ReadMarks = "private"
	ReadMarksShared  ReadMarks = "shared" // all members see them
)

// RoomSettings are the switches that the fold looks at. Zero values are the
// defaults.
type RoomSettings struct {
	// MaxMessageLength is the longest text in bytes; zero is [MaxText].
	MaxMessageLength int `json:"max_message_length,omitempty"`
	// SlowMode is how many seconds a member waits between two messages, at most
	// [MaxSlowMode]. Moderators do not.
	SlowMode  int       `json:"slow_mode,omitempty"`
	History   History   `json:"history,omitempty"`
	ReadMarks ReadMarks `json:"read_marks,omitempty"`
	// Knocks lets people ask to be let into a private room.
	Knocks       bool `json:"knocks,omitempty"`
	ReactionsOff bool `json:"reactions_off,omitempty"`
	ThreadsOff   bool `json:"threads_off,omitempty"`
	// Permissions override who may do what.
	Permissions Permissions `json:"permissions,omitzero"`
}

// MaxSlowMode is the longest wait of slow mode, in seconds.
const MaxSlowMode = 6 * 60 * 60

// Permissions name the weakest role that may do a thing; empty is the default,
// which package room knows.
type Permissions struct {
	Post        Role `json:"post,omitempty"`
	React       Role `json:"react,omitempty"`
	Invite      Role `json:"invite,omitempty"`
	Pin         Role `json:"pin,omitempty"`
	MentionRoom Role `json:"mention_room,omitempty"`
	Update      Role `json:"update,omitempty"`
}

// RoomCreated begins a room; its sender is the room's first member and owner.
type RoomCreated struct {
	Command
	Kind RoomKind `json:"kind"`
	// Rules is the version of the rules that the room is judged by.
	Rules    int          `json:"rules"`
	Settings RoomSettings `json:"settings"`
	// With is the other person of a direct room.
	With UserID `json:"with,omitempty"`
}

// EventType is [TypeRoomCreated].
func (RoomCreated) EventType() Type { return TypeRoomCreated }

// RoomUpdated gives a room its settings, and with its content its name and
// metadata: all of them, as they are afterwards.
type RoomUpdated struct {
	Command
	// Base is the version of the room that was changed; where that is not the
	// present one, nothing changes.
	Base     int          `json:"base"`
	Settings RoomSettings `json:"settings"`
	// Archived rooms are read only.
	Archived bool `json:"archived,omitempty"`
}

// EventType is [TypeRoomUpdated].
func (RoomUpdated) EventType() Type { return TypeRoomUpdated }

// RoomDeleted ends a room for good: nobody reads it any more, its content is
// erased from the tables, its id stays taken.
type RoomDeleted struct {
	Command
}

// EventType is [TypeRoomDeleted].
func (RoomDeleted) EventType() Type { return TypeRoomDeleted }

// RulesUpgraded lets a room be judged by a newer version of the rules.
type RulesUpgraded struct {
	Command
	Rules int `json:"rules"`
}

// EventType is [TypeRulesUpgraded].
func (RulesUpgraded) EventType() Type { return TypeRulesUpgraded }
