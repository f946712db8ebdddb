package room

import (
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
)

func (j judge) messagePosted(f events.MessagePosted) (Changes, Verdict) {
	if !wellFormedMessage(f) {
		return reject(CodeInvalid)
	}
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

// wellFormedMessage says whether f has a kind and is within the contract's limits.
func wellFormedMessage(f events.MessagePosted) bool {
	return f.Kind != "" && f.TextBytes >= 0 &&
		f.Attachments >= 0 && f.Attachments <= events.MaxAttachments &&
		len(f.Mentions) <= events.MaxMentions && !slices.ContainsFunc(f.Mentions, noUser)
}

func noUser(u events.UserID) bool {
	_, err := events.ParseUserID(string(u))
	return err != nil
}

func (j judge) isMessage(id events.EventID) bool {
	p, ok := j.Priors[id]
	return ok && p.Type == events.TypeMessagePosted && p.Seq > 0
}
