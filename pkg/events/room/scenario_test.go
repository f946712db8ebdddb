package room_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
)

// A scenario is a room's history: given what stands in the log, when this comes,
// then that is its verdict.
//
//	given(t, created("alice"), join("bob")).when(kick("bob", "alice")).then(rejected(room.CodeForbidden))
type scenario struct {
	t       *testing.T
	view    *room.View
	now     time.Time
	sent    int
	event   events.Event
	changes room.Changes
	verdict room.Verdict
}

// given folds commands that all have to be accepted.
func given(t *testing.T, history ...command) *scenario {
	t.Helper()
	s := &scenario{t: t, view: room.NewView(), now: roomtest.Epoch}
	for _, c := range history {
		if s.when(c); s.verdict.Status != room.Accepted {
			t.Fatalf("given: %+v is %s (%s)", s.event.Facts, s.verdict.Status, s.verdict.Code)
		}
	}
	return s
}

// when folds one command, a second after the one before.
func (s *scenario) when(c command) *scenario {
	s.sent++
	s.now = s.now.Add(time.Second)
	s.event = events.Event{
		ID: events.EventID(fmt.Sprintf("e%d", s.sent)), Tenant: "main", Room: "lobby", Time: s.now,
		Type: c.facts.EventType(), Facts: c.facts,
	}
	for _, change := range c.changes {
		change(s)
	}
	s.changes, s.verdict = room.Apply(s.view, &s.event, s.now)
	s.view.Advance(&s.event, s.changes, s.verdict)
	return s
}

// then checks the verdict and the state after it.
func (s *scenario) then(expectations ...expectation) *scenario {
	s.t.Helper()
	for _, e := range expectations {
		if wrong := e(s); wrong != "" {
			s.t.Errorf("%T of event %s: %s", s.event.Facts, s.event.ID, wrong)
		}
	}
	return s
}

// command is an event to come: its facts, and what else is special about it.
type command struct {
	facts   events.Facts
	changes []func(*scenario)
}

func (c command) with(changes ...func(*scenario)) command {
	return command{c.facts, append(slices.Clip(c.changes), changes...)}
}

// after lets the log's time go on, or back.
func (c command) after(d time.Duration) command {
	return c.with(func(s *scenario) { s.now = s.now.Add(d) })
}

// id gives the event an id: that of another is a repetition, or a reused key.
func (c command) id(id events.EventID) command {
	return c.with(func(s *scenario) { s.event.ID = id })
}

// expires lets the command expire so long after the time that it is sent at; to be
// put before after.
func (c command) expires(d time.Duration) command {
	return c.with(func(s *scenario) { s.event.Expires = s.now.Add(d) })
}

// sent gives the event a time of its author's.
func (c command) sent(at time.Time) command {
	return c.with(func(s *scenario) { s.event.Time = at })
}

func (c command) in(id events.RoomID) command {
	return c.with(func(s *scenario) { s.event.Room = id })
}

// digest says what the client sent under its key.
func (c command) digest(d string) command {
	c.facts = roomtest.WithDigest(c.facts, d)
	return c
}

func by(u events.UserID) events.Command { return events.Command{Sender: u} }

func facts(f events.Facts) command { return command{facts: f} }

func created(by_ events.UserID) command {
	return facts(events.RoomCreated{Command: by(by_), Kind: events.RoomPublic, Rules: 1})
}

func createdPrivate(by_ events.UserID) command {
	return facts(events.RoomCreated{Command: by(by_), Kind: events.RoomPrivate, Rules: 1})
}

func member(sender, target events.UserID, m events.Membership) command {
	return facts(events.MemberChanged{Command: by(sender), Target: target, Membership: m})
}

func join(u events.UserID) command           { return member(u, u, events.MembershipJoin) }
func leave(u events.UserID) command          { return member(u, u, events.MembershipLeave) }
func invite(by_, u events.UserID) command    { return member(by_, u, events.MembershipInvite) }
func kick(by_, target events.UserID) command { return member(by_, target, events.MembershipLeave) }
func ban(by_, target events.UserID) command  { return member(by_, target, events.MembershipBan) }

func banUntil(by_, target events.UserID, until time.Time) command {
	return facts(events.MemberChanged{
		Command: by(by_), Target: target, Membership: events.MembershipBan, Until: until.UnixMilli(),
	})
}

func post(u events.UserID) command {
	return facts(events.MessagePosted{Command: by(u), Kind: "text", TextBytes: 2})
}

func reply(u events.UserID, to events.EventID) command {
	return facts(events.MessagePosted{Command: by(u), Kind: "text", ReplyTo: to})
}

func inThread(u events.UserID, root events.EventID) command {
	return facts(events.MessagePosted{Command: by(u), Kind: "text", ThreadRoot: root})
}

// expectation says what is wrong, or nothing.
type expectation func(*scenario) string

func verdict(want room.Verdict) expectation {
	return func(s *scenario) string {
		got := s.verdict
		got.Of = room.Prior{}
		if got != want {
			return fmt.Sprintf("is %+v, not %+v", got, want)
		}
		if want.Status == room.Accepted && want.Seq > 0 {
			return ""
		}
		if s.changes.Header != nil || s.changes.Members != nil {
			return fmt.Sprintf("changes %+v", s.changes)
		}
		return ""
	}
}

func accepted(seq events.Seq) expectation {
	return verdict(room.Verdict{Status: room.Accepted, Seq: seq})
}

// unchanged is accepted without a seq: it is so already.
func unchanged() expectation { return verdict(room.Verdict{Status: room.Accepted}) }

func rejected(c room.Code) expectation {
	return verdict(room.Verdict{Status: room.Rejected, Code: c})
}

func parked(c room.Code) expectation { return verdict(room.Verdict{Status: room.Parked, Code: c}) }

// duplicate repeats what has this seq or this code.
func duplicate(seq events.Seq, c room.Code) expectation {
	return func(s *scenario) string {
		if s.verdict.Of.Type != s.event.Type || s.verdict.Of.Sender != s.event.Facts.By().Sender {
			return fmt.Sprintf("is a duplicate of %+v", s.verdict.Of)
		}
		return verdict(room.Verdict{Status: room.Duplicate, Seq: seq, Code: c})(s)
	}
}

// standing is the membership as the log's time has it.
func standing(u events.UserID, m events.Membership, r events.Role, since events.Seq) expectation {
	return func(s *scenario) string {
		got := s.view.Members[u].At(s.now.UnixMilli())
		if got.Membership != m || got.Role != r || got.Since != since {
			return fmt.Sprintf("%s is %q, %q since %d", u, got.Membership, got.Role, got.Since)
		}
		return ""
	}
}

func dump(v any) string { return fmt.Sprintf("%+v", v) }

func members(n int64) expectation {
	return func(s *scenario) string {
		if s.view.Header.Members != n {
			return fmt.Sprintf("%d members, not %d", s.view.Header.Members, n)
		}
		return ""
	}
}
