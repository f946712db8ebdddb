package room

import "github.com/roomlog/roomlog/pkg/events"

// messageRedacted takes away one message, by its author or who may redact; or a
// range: of others' messages by who may redact, of one's own by any member. A
// range takes a seq whether there is something in it or not, since the fold does
// not look at messages that the event does not name.
func (j judge) messageRedacted(f events.MessageRedacted) (Changes, Verdict) {
	ranged := f.From != 0 || f.To != 0
	if ranged == (f.Target != "") || ranged && (f.From < 1 || f.To < f.From) || !ranged && f.Author != "" ||
		f.Author != "" && noUser(f.Author) {
		return reject(CodeInvalid)
	}
	m := j.member(f.Sender)
	if m.Membership != events.MembershipJoin {
		return j.hidden(m)
	}
	if ranged {
		return j.redactRange(f, m)
	}
	target := j.Priors[f.Target]
	switch {
	case !j.isMessage(f.Target):
		return reject(CodeMessageUnknown)
	case target.Sender != f.Sender && !j.may(m, Redact):
		return reject(CodeForbidden)
	case target.Redacted > 0:
		return unchanged()
	}
	c, v := j.accept(*j.Header)
	c.About = target.Seq
	c.Redaction = &Redaction{From: target.Seq, To: target.Seq, By: v.Seq}
	return c, v
}

func (j judge) redactRange(f events.MessageRedacted, m Member) (Changes, Verdict) {
	if f.Author != f.Sender && !j.may(m, Redact) {
		return reject(CodeForbidden)
	}
	if f.From > j.Header.Seq {
		return reject(CodeMessageUnknown)
	}
	c, v := j.accept(*j.Header)
	c.Redaction = &Redaction{From: f.From, To: min(f.To, j.Header.Seq), Author: f.Author, By: v.Seq}
	return c, v
}
