package events

// Membership is a person's standing in a room.
type Membership string

// Memberships. Someone who never had to do with the room has none (empty).
const (
	MembershipNone   Membership = ""
	MembershipKnock  Membership = "knock"
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
	RoleGuest     Role = "guest"
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

// Mark names one of a person's watermarks.
type Mark string

// Marks.
const (
	// MarkRead is up to where a person has read. It moves back as well.
	MarkRead Mark = "read"
	// MarkDelivered is up to where a person's devices have the events. It never
	// moves back.
	MarkDelivered Mark = "delivered"
)

// MarkMoved moves a watermark of the sender's. Seq is a number and no event id:
// a mark lies between events, and one past the room's end means its end.
type MarkMoved struct {
	Command
	Mark Mark `json:"mark"`
	Seq  Seq  `json:"seq"`
	// ThreadRoot makes it the read mark of a thread.
	ThreadRoot EventID `json:"thread_root,omitempty"`
}

// EventType is [TypeMarkMoved].
func (MarkMoved) EventType() Type { return TypeMarkMoved }

// PreferencesChanged says how the sender wants the room shown to them: all
// preferences, as they are afterwards.
type PreferencesChanged struct {
	Command
	Muted bool `json:"muted,omitempty"`
	// Hidden takes the room off the list until something is posted in it.
	Hidden bool `json:"hidden,omitempty"`
	// Archived takes it off the list until the person says otherwise.
	Archived bool `json:"archived,omitempty"`
}

// EventType is [TypePreferencesChanged].
func (PreferencesChanged) EventType() Type { return TypePreferencesChanged }
