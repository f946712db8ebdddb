package query

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Visibility is what of a room one person may read in one moment, and the one
// place that says so. It is safe for concurrent use.
type Visibility struct {
	user  events.UserID
	spans room.Spans
}

// VisibilityOf reads what a person may read of a room. For someone who is no member
// any more that is what they could read up to the event that ended their stay, as
// a stream of theirs shows it; whether they may still read is [Standing]'s to say.
//
// Of a room whose history was never anything but open to all, it reads nothing for
// a member.
func VisibilityOf(ctx context.Context, r readmodel.Reader, h *room.Header, m room.Member) (v Visibility, err error) {
	key := readmodel.Key{Tenant: h.Tenant, Room: h.Room}
	joined := m.Membership == events.MembershipJoin
	var changes []room.HistoryChange
	var stays []room.Stay
	if !alwaysOpen(h) {
		if changes, err = r.Histories(ctx, key); err != nil {
			return v, err
		}
	}
	if len(changes) > 0 || !joined {
		if stays, err = r.Stays(ctx, key, m.User); err != nil {
			return v, err
		}
	}
	v.user = m.User
	switch n := len(stays); {
	case joined:
		v.spans = room.Visible(m, stays, changes)
	case n > 0:
		last := stays[n-1]
		then := room.Member{User: m.User, Membership: events.MembershipJoin, Since: last.From, Invited: last.Invited}
		v.spans = through(room.Visible(then, stays[:n-1], changes), last.To)
	}
	return v, nil
}

// sinceJoin is what a member may read under any setting of history.
func sinceJoin(m room.Member) Visibility {
	return Visibility{user: m.User, spans: room.Spans{{From: m.Since, To: room.Endless}}}
}

// alwaysOpen says that the room has the settings that it began with, and that these
// open its history to all members.
func alwaysOpen(h *room.Header) bool {
	return h.Version == 1 && (h.Settings.History == "" || h.Settings.History == events.HistoryAll)
}

// through cuts off what is behind an event.
func through(spans room.Spans, last events.Seq) room.Spans {
	for i := range spans {
		if spans[i].From > last {
			return spans[:i]
		}
		spans[i].To = min(spans[i].To, last)
	}
	return spans
}

// Shows reports whether the person may read the event: both it and the message that
// it is about are theirs to read, or it changes their own membership.
func (v Visibility) Shows(row *readmodel.EventRow) bool {
	if v.Contains(row.Seq) {
		return row.About == 0 || v.Contains(row.About)
	}
	return v.own(row)
}

// own reports whether the event changes the person's own membership.
func (v Visibility) own(row *readmodel.EventRow) bool {
	if row.Type != events.TypeMemberChanged {
		return false
	}
	facts, err := row.DecodeFacts()
	return err == nil && facts.(events.MemberChanged).Target == v.user
}

// Contains reports whether the person may read the message with that seq.
func (v Visibility) Contains(seq events.Seq) bool { return v.spans.Contains(seq) }

// run gives the end of the run of events from seq on that are in what the person
// may read, or are all not.
func (v Visibility) run(seq events.Seq) (end events.Seq, inside bool) { return run(v.spans, seq) }

func run(spans room.Spans, seq events.Seq) (end events.Seq, inside bool) {
	for _, s := range spans {
		switch {
		case seq < s.From:
			return s.From - 1, false
		case seq <= s.To:
			return s.To, true
		}
	}
	return room.Endless, false
}

// messagesAfter lists the first messages above a seq that the person may read, of
// those that list gives.
func (v Visibility) messagesAfter(after events.Seq, limit int, list func(after events.Seq, limit int) ([]readmodel.MessageRow, error)) (rows []readmodel.MessageRow, err error) {
	for _, s := range v.spans {
		if s.To <= after || len(rows) == limit {
			continue
		}
		found, err := list(max(after, s.From-1), limit-len(rows))
		if err != nil {
			return nil, err
		}
		for i := range found {
			if found[i].Seq <= s.To {
				rows = append(rows, found[i])
			}
		}
	}
	return rows, nil
}

// messagesBefore lists the last ones below a seq, ascending.
func (v Visibility) messagesBefore(before events.Seq, limit int, list func(before events.Seq, limit int) ([]readmodel.MessageRow, error)) (rows []readmodel.MessageRow, err error) {
	for i := len(v.spans) - 1; i >= 0 && len(rows) < limit; i-- {
		s := v.spans[i]
		if s.From >= before {
			continue
		}
		found, err := list(min(before-1, s.To)+1, limit-len(rows))
		if err != nil {
			return nil, err
		}
		for len(found) > 0 && found[0].Seq < s.From {
			found = found[1:]
		}
		rows = append(found, rows...)
	}
	return rows, nil
}
