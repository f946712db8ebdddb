package room

import "github.com/roomlog/roomlog/pkg/events"

// memberChanged is the membership machine. Which transition an event is depends
// on the standing of its target: "leave" is a leave, a kick, a declined or
// withdrawn invitation, or an unban.
func (j judge) memberChanged(f events.MemberChanged) (Changes, Verdict) {
	if !wellFormed(f) {
		return reject(CodeInvalid)
	}
	sender, target := j.member(f.Sender), j.member(f.Target)
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
	case events.MembershipNone:
	}
	return reject(CodeInvalid)
}

// wellFormed says whether f asks for something that there is: one of four
// memberships, a role with join only, an end with a ban only.
func wellFormed(f events.MemberChanged) bool {
	if _, err := events.ParseUserID(string(f.Target)); err != nil {
		return false
	}
	switch f.Membership {
	case events.MembershipJoin, events.MembershipInvite, events.MembershipLeave, events.MembershipBan:
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
		case events.MembershipJoin, events.MembershipInvite:
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
	case events.MembershipNone:
	}
	return reject(CodeInvalid)
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
	case events.MembershipNone, events.MembershipLeave:
		if private {
			return reject(CodeRoomNotFound)
		}
	case events.MembershipInvite:
	}
	if f.Role != "" && f.Role != events.RoleMember {
		return reject(CodeForbidden)
	}
	return j.become(m, events.MembershipJoin, events.RoleMember)
}

func (j judge) setRole(f events.MemberChanged, sender, target Member) (Changes, Verdict) {
	switch {
	case target.Membership != events.MembershipJoin: // nobody joins for another
		return reject(CodeForbidden)
	case f.Role == "" || f.Role == target.Role:
		return unchanged()
	case !MayChangeRole(sender.Role):
		return reject(CodeForbidden)
	}
	return j.become(target, events.MembershipJoin, f.Role)
}

func (j judge) invite(sender, target Member) (Changes, Verdict) {
	if !MayInvite(sender.Role) {
		return reject(CodeForbidden)
	}
	switch target.Membership {
	case events.MembershipInvite:
		return unchanged()
	case events.MembershipJoin:
		return reject(CodeUserJoined)
	case events.MembershipBan:
		return reject(CodeUserBanned)
	case events.MembershipNone, events.MembershipLeave:
	}
	return j.become(target, events.MembershipInvite, "")
}

// remove kicks, withdraws an invitation, or unbans.
func (j judge) remove(sender, target Member) (Changes, Verdict) {
	if !MayRemove(sender.Role, target.Role) {
		return reject(CodeForbidden)
	}
	switch target.Membership {
	case events.MembershipNone:
		return reject(CodeUserUnknown)
	case events.MembershipLeave:
		return unchanged()
	case events.MembershipJoin, events.MembershipInvite, events.MembershipBan:
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

// become gives m another membership and role. Until is kept for a ban only.
func (j judge) become(m Member, to events.Membership, role events.Role) (Changes, Verdict) {
	m.Role = role
	if m.Membership = to; to != events.MembershipBan {
		m.Until = 0
	}
	return j.accept(*j.Header, m)
}
