package room

import (
	"cmp"

	"github.com/roomlog/roomlog/pkg/events"
)

// memberChanged is the membership machine. Which transition an event is depends
// on the standing of its target: "leave" is a leave, a kick, a declined or
// withdrawn invitation, or an unban.
func (j judge) memberChanged(f events.MemberChanged) (Changes, Verdict) {
	if !wellFormed(f) {
		return reject(CodeInvalid)
	}
	newer := f.Membership == events.MembershipKnock || f.Role == events.RoleGuest
	if newer && j.Header.Rules < 2 {
		return reject(CodeInvalid)
	}
	sender, target := j.member(f.Sender), j.member(f.Target)
	if j.Header.Kind == events.RoomDirect {
		return j.direct(f, sender, target)
	}
	if f.Target == f.Sender {
		return j.own(f, sender)
	}
	if sender.Membership != events.MembershipJoin {
		return j.hidden(sender)
	}
	switch f.Membership {
	case events.MembershipJoin:
		return j.setRole(f, sender, target)
	case events.MembershipInvite:
		return j.invite(sender, target)
	case events.MembershipLeave:
		return j.remove(sender, target)
	case events.MembershipBan:
		return j.ban(f, sender, target)
	case events.MembershipNone, events.MembershipKnock: // nobody knocks for another
	}
	return reject(CodeInvalid)
}

// direct judges changes in a room of two people, who are in it for good: one can
// hide it.
func (j judge) direct(f events.MemberChanged, sender, target Member) (Changes, Verdict) {
	switch {
	case sender.Membership != events.MembershipJoin:
		return j.hidden(sender)
	case f.Membership == target.Membership && (f.Role == "" || f.Role == target.Role):
		return unchanged()
	}
	return reject(CodeForbidden)
}

// wellFormed says whether f asks for something that there is: one of five
// memberships, a role with join only, an end with a ban only.
func wellFormed(f events.MemberChanged) bool {
	if _, err := events.ParseUserID(string(f.Target)); err != nil {
		return false
	}
	switch f.Membership {
	case events.MembershipJoin, events.MembershipInvite, events.MembershipLeave, events.MembershipBan, events.MembershipKnock:
	default:
		return false
	}
	if f.Until < 0 || f.Until != 0 && f.Membership != events.MembershipBan {
		return false
	}
	return f.Role == "" || f.Membership == events.MembershipJoin && rank(f.Role) > 0
}

// own judges what a person does about their own membership.
func (j judge) own(f events.MemberChanged, m Member) (Changes, Verdict) {
	switch f.Membership {
	case events.MembershipJoin:
		return j.join(f, m)
	case events.MembershipLeave:
		switch m.Membership {
		case events.MembershipJoin, events.MembershipInvite, events.MembershipKnock:
			return j.become(m, events.MembershipLeave, "")
		case events.MembershipLeave:
			return unchanged()
		case events.MembershipNone, events.MembershipBan:
		}
		return j.hidden(m)
	case events.MembershipInvite, events.MembershipBan:
		if m.Membership != events.MembershipJoin {
			return j.hidden(m)
		}
		return reject(CodeForbidden)
	case events.MembershipKnock:
		return j.knock(m)
	case events.MembershipNone:
	}
	return reject(CodeInvalid)
}

// knock asks to be let into a private room that takes such questions. Who may
// invite answers: by joining the person, or with a leave.
func (j judge) knock(m Member) (Changes, Verdict) {
	switch m.Membership {
	case events.MembershipKnock:
		return unchanged()
	case events.MembershipJoin, events.MembershipInvite:
		return reject(CodeUserJoined)
	case events.MembershipBan:
		return j.hidden(m)
	case events.MembershipNone, events.MembershipLeave:
	}
	public := j.Header.Kind == events.RoomPublic
	switch {
	case j.Header.Archived && (public || j.Header.Rules < 3): // which showed strangers that the room is there
		return reject(CodeRoomArchived)
	case public: // one joins it
		return reject(CodeForbidden)
	case j.Header.Archived, !j.Header.Settings.Knocks:
		return reject(CodeRoomNotFound)
	}
	return j.become(m, events.MembershipKnock, "")
}

func (j judge) join(f events.MemberChanged, m Member) (Changes, Verdict) {
	private := j.Header.Kind == events.RoomPrivate
	switch m.Membership {
	case events.MembershipJoin:
		if f.Role == "" || f.Role == m.Role {
			return unchanged()
		}
		if !weaker(f.Role, m.Role) { // one may step down, not up
			return reject(CodeForbidden)
		}
		return j.become(m, events.MembershipJoin, f.Role)
	case events.MembershipBan:
		return j.hidden(m)
	case events.MembershipNone, events.MembershipLeave, events.MembershipKnock:
		if private {
			return reject(CodeRoomNotFound)
		}
	case events.MembershipInvite:
	}
	if j.Header.Archived {
		return reject(CodeRoomArchived)
	}
	if f.Role != "" && f.Role != events.RoleMember {
		return reject(CodeForbidden)
	}
	return j.become(m, events.MembershipJoin, events.RoleMember)
}

func (j judge) setRole(f events.MemberChanged, sender, target Member) (Changes, Verdict) {
	switch {
	case target.Membership == events.MembershipKnock: // they have asked for it
		return j.letIn(f, sender, target)
	case target.Membership != events.MembershipJoin: // nobody joins for another
		return reject(CodeForbidden)
	case f.Role == "" || f.Role == target.Role:
		return unchanged()
	case !j.may(sender, SetRole):
		return reject(CodeForbidden)
	}
	return j.become(target, events.MembershipJoin, f.Role)
}

// letIn joins someone who has knocked.
func (j judge) letIn(f events.MemberChanged, sender, target Member) (Changes, Verdict) {
	role := cmp.Or(f.Role, events.RoleMember)
	switch {
	case !j.may(sender, Invite), weaker(events.RoleMember, role) && !j.may(sender, SetRole):
		return reject(CodeForbidden)
	case j.Header.Archived:
		return reject(CodeRoomArchived)
	}
	return j.become(target, events.MembershipJoin, role)
}

func (j judge) invite(sender, target Member) (Changes, Verdict) {
	if !j.may(sender, Invite) {
		return reject(CodeForbidden)
	}
	switch target.Membership {
	case events.MembershipInvite:
		return unchanged()
	case events.MembershipJoin:
		return reject(CodeUserJoined)
	case events.MembershipBan:
		return reject(CodeUserBanned)
	case events.MembershipNone, events.MembershipLeave, events.MembershipKnock:
	}
	if j.Header.Archived {
		return reject(CodeRoomArchived)
	}
	return j.become(target, events.MembershipInvite, "")
}

// remove kicks, withdraws an invitation, or unbans.
func (j judge) remove(sender, target Member) (Changes, Verdict) {
	answers := target.Membership == events.MembershipKnock && j.may(sender, Invite)
	if !answers && !MayRemove(sender.Role, target.Role) {
		return reject(CodeForbidden)
	}
	switch target.Membership {
	case events.MembershipNone:
		return reject(CodeUserUnknown)
	case events.MembershipLeave:
		return unchanged()
	case events.MembershipJoin, events.MembershipInvite, events.MembershipBan, events.MembershipKnock:
	}
	return j.become(target, events.MembershipLeave, "")
}

func (j judge) ban(f events.MemberChanged, sender, target Member) (Changes, Verdict) {
	switch {
	case !MayRemove(sender.Role, target.Role):
		return reject(CodeForbidden)
	case f.Until != 0 && f.Until <= j.now: // over before it began
		return reject(CodeInvalid)
	case target.Membership == events.MembershipBan && target.Until == f.Until:
		return unchanged()
	}
	target.Until = f.Until
	return j.become(target, events.MembershipBan, "")
}

// become gives m another membership and role. Until is kept for a ban only, the
// invitation for the join that follows it.
func (j judge) become(m Member, to events.Membership, role events.Role) (Changes, Verdict) {
	before, next := m, j.Header.Seq+1
	m.Role = role
	if m.Membership = to; to != events.MembershipBan {
		m.Until = 0
	}
	c, v := j.accept(*j.Header, m)
	if before.Membership == to {
		return c, v
	}
	changed := &c.Members[0]
	changed.Invited = 0
	switch {
	case to == events.MembershipJoin:
		if before.Membership == events.MembershipInvite {
			changed.Invited = before.Since
		}
		changed.Read, changed.Delivered = next, next // what was before is not unread to a newcomer
		changed.Hidden, changed.Archived = 0, false
	case before.Membership == events.MembershipJoin:
		c.Stay = &Stay{User: m.User, From: before.Since, Invited: before.Invited, To: next}
	}
	return c, v
}
