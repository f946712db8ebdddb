package room

import (
	"cmp"

	"github.com/roomlog/roomlog/pkg/events"
)

// Action is something that takes a role.
type Action string

// Actions. Those that a room can override are in [events.Permissions].
const (
	Post        Action = "post"
	React       Action = "react"
	Invite      Action = "invite"
	Pin         Action = "pin"
	MentionRoom Action = "mention_room"
	Update      Action = "update"   // settings, name, metadata, archive
	Redact      Action = "redact"   // what others wrote; one's own always
	Remove      Action = "remove"   // kick, ban, unban: those with a weaker role
	SetRole     Action = "set_role" // any role to any member
	Delete      Action = "delete"   // the room
)

// Actions lists all actions.
func Actions() []Action {
	return []Action{Post, React, Invite, Pin, MentionRoom, Update, Redact, Remove, SetRole, Delete}
}

// Needed is the weakest role that may do something in a room with these
// permissions. Those of the last four actions are not the room's to say.
func Needed(do Action, p events.Permissions) events.Role {
	switch do {
	case Post:
		return cmp.Or(p.Post, events.RoleGuest)
	case React:
		return cmp.Or(p.React, events.RoleGuest)
	case Invite:
		return cmp.Or(p.Invite, events.RoleMember)
	case Pin:
		return cmp.Or(p.Pin, events.RoleMember)
	case MentionRoom:
		return cmp.Or(p.MentionRoom, events.RoleModerator)
	case Update:
		return cmp.Or(p.Update, events.RoleOwner)
	case Redact, Remove:
		return events.RoleModerator
	case SetRole, Delete:
	}
	return events.RoleOwner
}

// May says whether a role may do something in a room with these settings.
func May(role events.Role, do Action, settings events.RoomSettings) bool {
	return rank(role) >= rank(Needed(do, settings.Permissions))
}

// MayRemove says who may kick, ban and unban whom: those with a weaker role than
// their own.
func MayRemove(by, target events.Role) bool {
	return May(by, Remove, events.RoomSettings{}) && weaker(target, by)
}

// rank orders roles; who is not a member has none.
func rank(r events.Role) int {
	switch r {
	case events.RoleOwner:
		return 4
	case events.RoleModerator:
		return 3
	case events.RoleMember:
		return 2
	case events.RoleGuest:
		return 1
	}
	return 0
}

func weaker(a, b events.Role) bool { return rank(a) < rank(b) }

// wellFormedPermissions says whether each that is named is a role.
func wellFormedPermissions(p events.Permissions) bool {
	for _, do := range Actions() {
		if rank(Needed(do, p)) == 0 {
			return false
		}
	}
	return true
}
