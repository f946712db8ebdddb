package room

import (
	"cmp"

	"github.com/roomlog/roomlog/pkg/events"
)

func (j judge) roomCreated(f events.RoomCreated) (Changes, Verdict) {
	if h := j.Header; h != nil {
		// Whoever is in the room gets it; to others the id is taken.
		if !h.Deleted && j.member(f.Sender).Membership == events.MembershipJoin {
			return unchanged()
		}
		return reject(CodeRoomIDTaken)
	}
	if f.Rules > Rules {
		return park(CodeUnknownRules)
	}
	if code := j.creatable(f); code != "" {
		return reject(code)
	}
	h := Header{
		Tenant: j.event.Tenant, Room: j.event.Room, Kind: f.Kind, Rules: f.Rules, Creator: f.Sender, Settings: f.Settings,
		Version: 1, ContentSeq: 1, Created: j.now,
	}
	first := []Member{{User: f.Sender, Membership: events.MembershipJoin, Role: events.RoleOwner, Read: 1, Delivered: 1}}
	if f.Kind == events.RoomDirect {
		first = append(first, Member{User: f.With, Membership: events.MembershipJoin, Role: events.RoleOwner, Read: 1, Delivered: 1})
	}
	c, v := j.accept(h, first...)
	c.History = historyChange(events.RoomSettings{}, f.Settings, v.Seq)
	return c, v
}

// creatable gives the reason why there can be no such room.
func (j judge) creatable(f events.RoomCreated) Code {
	direct := f.Kind == events.RoomDirect
	switch {
	case f.Rules < 1, !direct && f.Kind != events.RoomPublic && f.Kind != events.RoomPrivate,
		!wellFormedSettings(f.Settings), (f.With != "") != direct, f.With == f.Sender, direct && noUser(f.With):
		return CodeInvalid
	case direct && j.event.Room != events.DirectRoomID(j.event.Tenant, f.Sender, f.With), !direct && j.event.Room.Reserved():
		return CodeRoomIDReserved
	}
	return ""
}

func wellFormedSettings(s events.RoomSettings) bool {
	switch s.History {
	case "", events.HistoryAll, events.HistoryInvited, events.HistoryJoined:
	default:
		return false
	}
	switch s.ReadMarks {
	case "", events.ReadMarksPrivate, events.ReadMarksShared:
	default:
		return false
	}
	return s.MaxMessageLength >= 0 && s.MaxMessageLength <= events.MaxText &&
		s.SlowMode >= 0 && s.SlowMode <= events.MaxSlowMode && wellFormedPermissions(s.Permissions)
}

// historyChange is what changes for readers, if anything does.
func historyChange(before, after events.RoomSettings, seq events.Seq) *HistoryChange {
	was, is := cmp.Or(before.History, events.HistoryAll), cmp.Or(after.History, events.HistoryAll)
	if was == is {
		return nil
	}
	return &HistoryChange{From: seq, History: is}
}

// roomUpdated is judged by the version: an update carries name and metadata, which
// the fold does not read, so any that is not of the present version would undo
// what came between.
func (j judge) roomUpdated(f events.RoomUpdated) (Changes, Verdict) {
	m := j.member(f.Sender)
	switch {
	case !wellFormedSettings(f.Settings):
		return reject(CodeInvalid)
	case m.Membership != events.MembershipJoin:
		return j.hidden(m)
	case !j.may(m, Update):
		return reject(CodeForbidden)
	case f.Base != j.Header.Version:
		return reject(CodeVersion)
	case f.Settings.Permissions != j.Header.Settings.Permissions && m.Role != events.RoleOwner: // no one gives themselves more
		return reject(CodeForbidden)
	}
	h := *j.Header
	h.Settings, h.Archived = f.Settings, f.Archived
	h.Version++
	h.ContentSeq = h.Seq + 1
	c, v := j.accept(h)
	c.History = historyChange(j.Header.Settings, f.Settings, v.Seq)
	return c, v
}

func (j judge) roomDeleted(f events.RoomDeleted) (Changes, Verdict) {
	m := j.member(f.Sender)
	switch {
	case m.Membership != events.MembershipJoin:
		return j.hidden(m)
	case !j.may(m, Delete):
		return reject(CodeForbidden)
	}
	h := *j.Header
	h.Deleted = true
	c, v := j.accept(h)
	c.Redaction = &Redaction{From: 1, To: v.Seq, By: v.Seq, All: true}
	return c, v
}

func (j judge) rulesUpgraded(f events.RulesUpgraded) (Changes, Verdict) {
	m := j.member(f.Sender)
	switch {
	case f.Rules > Rules:
		return park(CodeUnknownRules)
	case m.Membership != events.MembershipJoin:
		return j.hidden(m)
	case m.Role != events.RoleOwner:
		return reject(CodeForbidden)
	case f.Rules == j.Header.Rules:
		return unchanged()
	case f.Rules < j.Header.Rules: // what was allowed since would not be
		return reject(CodeInvalid)
	}
	h := *j.Header
	h.Rules = f.Rules
	return j.accept(h)
}
