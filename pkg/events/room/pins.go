package room

import "github.com/roomlog/roomlog/pkg/events"

func (j judge) pin(by events.Command, id events.EventID, on bool) (Changes, Verdict) {
	m := j.member(by.Sender)
	state := j.States[id]
	switch {
	case m.Membership != events.MembershipJoin:
		return j.hidden(m)
	case j.Header.Archived:
		return reject(CodeRoomArchived)
	case !j.isMessage(id):
		return reject(CodeMessageUnknown)
	case !j.may(m, Pin):
		return reject(CodeForbidden)
	case on && j.Priors[id].Redacted > 0:
		return reject(CodeRedacted)
	case on == (state.Pinned > 0):
		return unchanged()
	}
	c, v := j.accept(*j.Header)
	if state.Pinned = 0; on {
		state.Pinned = v.Seq
	}
	c.about(id, j.Priors[id].Seq, state)
	return c, v
}
