package room

import "github.com/roomlog/roomlog/pkg/events"

// What is a person's own changes their row and nothing that others see, so it
// takes no seq.

func (j judge) markMoved(f events.MarkMoved) (Changes, Verdict) {
	if f.Seq < 0 || f.Mark != events.MarkRead && f.Mark != events.MarkDelivered || f.ThreadRoot != "" && f.Mark != events.MarkRead {
		return reject(CodeInvalid)
	}
	m := j.member(f.Sender)
	if m.Membership != events.MembershipJoin {
		return j.hidden(m)
	}
	to := min(f.Seq, j.Header.Seq)
	if f.ThreadRoot != "" {
		root := j.Priors[f.ThreadRoot]
		if !j.isMessage(f.ThreadRoot) || root.ThreadRoot != "" {
			return reject(CodeThreadNotFound)
		}
		return j.keep(Changes{ThreadMark: &ThreadMark{User: f.Sender, Root: root.Seq, Read: to}})
	}
	if f.Mark == events.MarkDelivered {
		m.Delivered = max(m.Delivered, to)
	} else {
		m.Read, m.Delivered = to, max(m.Delivered, to)
	}
	return j.keep(Changes{Members: []Member{m}})
}

func (j judge) preferencesChanged(f events.PreferencesChanged) (Changes, Verdict) {
	m := j.member(f.Sender)
	if m.Membership != events.MembershipJoin {
		return j.hidden(m)
	}
	m.Muted, m.Archived = f.Muted, f.Archived
	switch {
	case !f.Hidden:
		m.Hidden = 0
	case m.Hidden <= j.Header.LastMessage: // it was not, or something was posted since
		m.Hidden = j.Header.Seq
	}
	return j.keep(Changes{Members: []Member{m}})
}

// keep accepts what is a person's own.
func (judge) keep(c Changes) (Changes, Verdict) { return c, Verdict{Status: Accepted} }
