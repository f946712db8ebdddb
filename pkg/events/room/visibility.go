package room

import (
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
)

// Stay is a time of membership that has ended: the events from From to To, both
// the person's own. Invited is the seq of the invitation that it followed, or zero.
type Stay struct {
	User              events.UserID
	From, Invited, To events.Seq
}

// HistoryChange is a setting of history and the event from which on it is in force.
// A room without one has [events.HistoryAll].
type HistoryChange struct {
	From    events.Seq
	History events.History
}

// Span is a run of a room's events, both ends in it.
type Span struct{ From, To events.Seq }

// Spans are ascending runs of events with gaps between them.
type Spans []Span

// Contains reports whether the event is in one of the spans.
func (s Spans) Contains(seq events.Seq) bool {
	i, found := slices.BinarySearchFunc(s, seq, func(span Span, seq events.Seq) int {
		switch {
		case span.To < seq:
			return -1
		case span.From > seq:
			return 1
		}
		return 0
	})
	return i < len(s) && found
}

// Endless is the end of a span that goes on.
const Endless events.Seq = 1<<63 - 1

// Visible tells which events a person may read: none unless they are a member;
// else what was posted under [events.HistoryAll], and of the rest what was posted
// during their stays, or from their invitations on. Stays and changes ascend.
//
// An event about a message that the person may not read is not for them either,
// and the events of their own membership always are: that is the caller's to see
// to.
func Visible(m Member, stays []Stay, changes []HistoryChange) Spans {
	if m.Membership != events.MembershipJoin {
		return nil
	}
	stays = append(slices.Clip(stays), Stay{User: m.User, From: m.Since, Invited: m.Invited, To: Endless})
	var out Spans
	add := func(from, to events.Seq) {
		switch n := len(out); {
		case from > to:
		case n > 0 && from <= out[n-1].To+1:
			out[n-1].To = max(out[n-1].To, to)
		default:
			out = append(out, Span{from, to})
		}
	}
	for i := -1; i < len(changes); i++ {
		from, history := events.Seq(1), events.HistoryAll
		if i >= 0 {
			from, history = changes[i].From, changes[i].History
		}
		to := Endless
		if i+1 < len(changes) {
			to = changes[i+1].From - 1
		}
		if history == events.HistoryAll || history == "" {
			add(from, to)
			continue
		}
		for _, s := range stays {
			begin := s.From
			if history == events.HistoryInvited && s.Invited > 0 {
				begin = s.Invited
			}
			add(max(from, begin), min(to, s.To))
		}
	}
	return out
}
