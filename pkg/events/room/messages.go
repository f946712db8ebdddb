package room

import "github.com/roomlog/roomlog/pkg/events"

func (j judge) messagePosted(f events.MessagePosted) (Changes, Verdict) {
	if m := j.member(f.Sender); m.Membership != events.MembershipJoin {
		return j.hidden(m)
	}
	limit := j.Header.Settings.MaxMessageLength
	if limit == 0 {
		limit = events.MaxText
	}
	if f.TextBytes > limit {
		return reject(CodeTextTooLong)
	}
	if f.ReplyTo != "" && !j.isMessage(f.ReplyTo) {
		return reject(CodeReplyNotFound)
	}
	if f.ThreadRoot != "" {
		switch {
		case !j.isMessage(f.ThreadRoot):
			return reject(CodeThreadNotFound)
		case j.Priors[f.ThreadRoot].ThreadRoot != "":
			return reject(CodeThreadNested)
		}
	}
	h := *j.Header
	h.LastMessage = h.Seq + 1
	return j.accept(h)
}

func (j judge) isMessage(id events.EventID) bool {
	p, ok := j.Priors[id]
	return ok && p.Type == events.TypeMessagePosted && p.Seq > 0
}
