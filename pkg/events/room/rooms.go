package room

import "github.com/roomlog/roomlog/pkg/events"

func (j judge) roomCreated(f events.RoomCreated) (Changes, Verdict) {
	if h := j.Header; h != nil {
		// Whoever is in the room gets it; to others the id is taken.
		if j.member(f.Sender).Membership == events.MembershipJoin {
			return unchanged()
		}
		return reject(CodeRoomIDTaken)
	}
	switch {
	case f.Rules > Rules:
		return park(CodeUnknownRules)
	case f.Rules < 1, f.Kind != events.RoomPublic && f.Kind != events.RoomPrivate,
		f.Settings.MaxMessageLength < 0, f.Settings.MaxMessageLength > events.MaxText:
		return reject(CodeInvalid)
	case j.event.Room.Reserved():
		return reject(CodeRoomIDReserved)
	}
	return j.accept(Header{
		Tenant: j.event.Tenant, Room: j.event.Room, Kind: f.Kind, Rules: f.Rules, Creator: f.Sender, Settings: f.Settings,
		ContentSeq: 1, Created: j.now,
	}, Member{User: f.Sender, Membership: events.MembershipJoin, Role: events.RoleOwner})
}
