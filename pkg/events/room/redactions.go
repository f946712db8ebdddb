package room

import "github.com/roomlog/roomlog/pkg/events"

// messageRedacted takes away one message, by its author or who may redact; or a
// range: of others' messages by who may redact, of one's own by any member. A
// range takes a seq whether there is something in it or not, since the fold does
// not look at messages that the event does not name.
func (j judge) messageRedacted(f events.MessageRedacted) (Changes, Verdict) {
	ranged := f.Range != events.MessageRange{}
	if ranged == (f.Target != "") || ranged && !wellFormedRange(f.Range) {
		return reject(CodeInvalid)
	}
	m := j.member(f.Sender)
	if m.Membership != events.MembershipJoin {
		return j.hidden(m)
	}
	if ranged {
		return j.redactRange(f.Range, m)
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

func (j judge) redactRange(r events.MessageRange, m Member) (Changes, Verdict) {
	if r.Author != m.User && !j.may(m, Redact) {
		return reject(CodeForbidden)
	}
	if r.From > j.Header.Seq {
		return reject(CodeMessageUnknown)
	}
	c, v := j.accept(*j.Header)
	c.Redaction = &Redaction{From: r.From, To: min(r.To, j.Header.Seq), Author: r.Author, By: v.Seq}
	return c, v
}

func wellFormedRange(r events.MessageRange) bool {
	return r.From >= 1 && r.To >= r.From && (r.Author == "" || !noUser(r.Author))
}
