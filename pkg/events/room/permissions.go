package room

import "github.com/roomlog/roomlog/pkg/events"

// rank orders roles; who is not a member has none.
func rank(r events.Role) int {
	switch r {
	case events.RoleOwner:
		return 3
	case events.RoleModerator:
		return 2
	case events.RoleMember:
		return 1
	}
	return 0
}

func weaker(a, b events.Role) bool { return rank(a) < rank(b) }

// MayInvite says who may invite: every member.
func MayInvite(by events.Role) bool { return rank(by) >= rank(events.RoleMember) }

// MayRemove says who may kick, ban and unban whom: moderators and owners, those
// with a weaker role than their own.
func MayRemove(by, target events.Role) bool {
	return rank(by) >= rank(events.RoleModerator) && weaker(target, by)
}

// MayChangeRole says who may give roles: owners, any role to anyone.
func MayChangeRole(by events.Role) bool { return by == events.RoleOwner }
