package checker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/checker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const lobby = events.RoomID("lobby")

// world is a history with what a right server would show for it.
type world struct {
	*checker.History
	state checker.State
}

func newWorld() *world {
	w := &world{checker.NewHistory(), checker.State{}}
	w.accept(checker.Command{Room: lobby, User: "olga", Key: "make", Kind: checker.Creation})
	return w
}

func message(user events.UserID, key string) checker.Command {
	return checker.Command{Room: lobby, User: user, Key: key, Body: "text of " + key}
}

// append puts a command into the room, whatever its client was told.
func (w *world) append(c checker.Command) events.Seq {
	r := w.state.Room(c.Room)
	e := checker.Event{
		Seq: events.Seq(len(r.Events) + 1), ID: idOf(c), Sender: c.User,
		Type: map[checker.Kind]events.Type{
			checker.Message: events.TypeMessagePosted, checker.Membership: events.TypeMemberChanged, checker.Creation: events.TypeRoomCreated,
		}[c.Kind],
	}
	if c.Kind == checker.Message {
		e.Text = c.Body
		m := checker.Posted{Seq: e.Seq, ID: e.ID, Sender: e.Sender, Text: e.Text}
		r.Messages, r.Backwards = append(r.Messages, m), append(r.Backwards, m)
	}
	r.Events, r.Exported = append(r.Events, e), append(r.Exported, e)
	return e.Seq
}

func idOf(c checker.Command) events.EventID {
	return events.EventID(fmt.Sprintf("%s-%s-%s", c.Room, c.User, c.Key))
}

// accept sends, appends and acknowledges.
func (w *world) accept(c checker.Command) events.Seq {
	a := w.Send(c)
	seq := w.append(c)
	a.Acked(idOf(c), 0)
	return seq
}

func (w *world) outcome(c checker.Command, o checker.Outcome) { w.Observe(c.Room, idOf(c), o) }

// A right server, asked in every way there is, breaks no rule.
func TestARightServerPasses(t *testing.T) {
	w := newWorld()
	seq := w.accept(message("ann", "1"))
	w.outcome(message("ann", "1"), checker.Outcome{Status: checker.Pending})
	w.outcome(message("ann", "1"), checker.Outcome{Status: checker.Accepted, Seq: seq})
	// The answer is lost, the event is not; the key is sent again.
	lost := message("ben", "1")
	a := w.Send(lost)
	w.append(lost)
	a.Unknown("")
	if open := w.Unanswered(); len(open) != 1 || open[0] != lost {
		t.Fatalf("unanswered: %v", open)
	}
	w.Send(lost).Acked(idOf(lost), 0)
	// The command was lost on its way there.
	late := message("cyd", "1")
	w.Send(late).Unknown(idOf(late))
	a = w.Send(late)
	a.Acked(idOf(late), w.append(late))
	// Two overlap: either order is right.
	first, second := message("dan", "1"), message("eve", "1")
	a, b := w.Send(first), w.Send(second)
	w.append(second)
	w.append(first)
	a.Acked(idOf(first), 0)
	b.Acked(idOf(second), 0)
	// Out of the room: refused at once, or by the fold; a leave twice has no effect.
	outside := message("fay", "1")
	outside.Expect = checker.MustReject
	w.Send(outside).Refused("not_a_member", true)
	outside.Key, outside.Body = "2", "2"
	w.Send(outside).Acked(idOf(outside), 0)
	w.outcome(outside, checker.Outcome{Status: checker.Rejected, Code: "not_a_member"})
	leave := checker.Command{Room: lobby, User: "fay", Key: "3", Kind: checker.Membership}
	w.Send(leave).Acked(idOf(leave), 0)
	w.outcome(leave, checker.Outcome{Status: checker.Accepted})
	// Too late, seen as such, then sent again.
	slow := message("gus", "1")
	w.Send(slow).Unknown(idOf(slow))
	w.outcome(slow, checker.Outcome{Status: checker.Expired})
	a = w.Send(slow)
	a.Acked(idOf(slow), w.append(slow))
	// Not now, then yes.
	w.Send(message("hal", "1")).Refused("rate_limited", false)
	w.accept(message("hal", "1"))

	if found := checker.Check(w.History, w.state); len(found) > 0 {
		t.Fatalf("violations: %v", found)
	}
	if w.Acked() != 10 || w.Len() != 11 {
		t.Errorf("%d of %d commands acknowledged", w.Acked(), w.Len())
	}
}

// Each kind of wrong server is found out, by its rule and no other.
func TestPlantedViolations(t *testing.T) {
	ann1, ann2 := message("ann", "1"), message("ann", "2")
	for name, test := range map[string]struct {
		rule  checker.Rule
		plant func(w *world)
	}{
		"an acknowledged message is not there": {checker.Lost, func(w *world) {
			w.Send(ann1).Acked(idOf(ann1), 0)
		}},
		"an acknowledged join is not there": {checker.Lost, func(w *world) {
			c := checker.Command{Room: lobby, User: "ann", Key: "j", Kind: checker.Membership}
			w.Send(c).Acked(idOf(c), 0)
		}},
		"an acknowledged message has expired": {checker.Lost, func(w *world) {
			w.Send(ann1).Acked(idOf(ann1), 0)
			w.outcome(ann1, checker.Outcome{Status: checker.Expired})
		}},
		"a room is empty": {checker.Lost, func(w *world) {
			c := message("ann", "1")
			c.Room = "attic"
			w.Send(c).Acked(idOf(c), 0)
		}},
		"the same event twice": {checker.Twice, func(w *world) {
			w.accept(ann1)
			w.append(ann1)
		}},
		"the same event in two rooms": {checker.Twice, func(w *world) {
			w.accept(ann1)
			e := w.state.Room(lobby).Events[1]
			e.Seq = 1
			attic := w.state.Room("zattic")
			attic.Events, attic.Messages = []checker.Event{e}, []checker.Posted{{Seq: 1, ID: e.ID, Sender: e.Sender, Text: e.Text}}
		}},
		"one command under two ids": {checker.Twice, func(w *world) {
			w.accept(ann1)
			w.append(ann1)
			w.rename(1, "another")
		}},
		"a message that nobody sent": {checker.Invented, func(w *world) {
			w.append(ann1)
		}},
		"a join that nobody sent": {checker.Invented, func(w *world) {
			w.append(checker.Command{Room: lobby, User: "ann", Key: "j", Kind: checker.Membership})
		}},
		"a refused message": {checker.Invented, func(w *world) {
			w.Send(ann1).Refused("invalid_field", true)
			w.append(ann1)
		}},
		"a member is refused": {checker.Misjudged, func(w *world) {
			w.Send(ann1).Refused("not_a_member", true)
		}},
		"a message refused for now": {checker.Invented, func(w *world) {
			w.Send(ann1).Refused("log_unavailable", false)
			w.append(ann1)
			w.Send(ann1).Refused("log_unavailable", false)
		}},
		"another sender": {checker.Altered, func(w *world) {
			w.accept(ann1)
			w.each(1, func(e *checker.Event, m *checker.Posted) { e.Sender, m.Sender = "ben", "ben" })
		}},
		"another text": {checker.Altered, func(w *world) {
			w.accept(ann1)
			w.each(1, func(e *checker.Event, m *checker.Posted) { e.Text, m.Text = "text of", "text of" })
		}},
		"sent after the acknowledgement, first in the room": {checker.Order, func(w *world) {
			w.Send(ann1).Acked(idOf(ann1), 0)
			w.accept(ann2)
			w.append(ann1)
		}},
		"another's message between": {checker.Order, func(w *world) {
			a := w.Send(ann1)
			b := w.Send(message("ben", "1"))
			b.Acked(idOf(message("ben", "1")), 0)
			c := w.Send(message("cyd", "1"))
			w.append(message("cyd", "1"))
			w.append(message("ben", "1"))
			w.append(ann1)
			a.Acked(idOf(ann1), 0)
			c.Acked(idOf(message("cyd", "1")), 0)
		}},
		"a hole in the seqs": {checker.Gap, func(w *world) {
			w.accept(ann1)
			w.each(1, func(e *checker.Event, m *checker.Posted) { e.Seq++; m.Seq++ })
		}},
		"a seq twice": {checker.Gap, func(w *world) {
			w.accept(ann1)
			w.accept(ann2)
			w.each(2, func(e *checker.Event, m *checker.Posted) { e.Seq--; m.Seq-- })
		}},
		"the first event is missing": {checker.Gap, func(w *world) {
			w.accept(ann1)
			w.outcome(checker.Command{Room: lobby, User: "olga", Key: "make"}, checker.Outcome{Status: checker.Accepted})
			r := w.state.Room(lobby)
			r.Events, r.Exported = r.Events[1:], r.Exported[1:]
		}},
		"a page lacks a message": {checker.Views, func(w *world) {
			w.accept(ann1)
			w.state.Room(lobby).Messages = nil
		}},
		"a page has another text": {checker.Views, func(w *world) {
			w.accept(ann1)
			w.state.Room(lobby).Messages[0].Text += "!"
		}},
		"pages backwards lack a message": {checker.Views, func(w *world) {
			w.accept(ann1)
			w.accept(ann2)
			w.state.Room(lobby).Backwards = w.state.Room(lobby).Backwards[1:]
		}},
		"the export has more": {checker.Views, func(w *world) {
			r := w.state.Room(lobby)
			r.Exported = append(r.Exported, checker.Event{Seq: 2})
		}},
		"the export tells another time": {checker.Views, func(w *world) {
			w.state.Room(lobby).Exported[0].Rest = "2026-01-01"
		}},
		"the outcome's seq has changed": {checker.Unstable, func(w *world) {
			w.outcome(ann1, checker.Outcome{Status: checker.Accepted, Seq: 9})
			w.outcome(ann1, checker.Outcome{Status: checker.Accepted, Seq: w.accept(ann1)})
		}},
		"a final outcome is pending again": {checker.Unstable, func(w *world) {
			seq := w.accept(ann1)
			w.outcome(ann1, checker.Outcome{Status: checker.Accepted, Seq: seq})
			w.outcome(ann1, checker.Outcome{Status: checker.Pending})
			w.outcome(ann1, checker.Outcome{Status: checker.Accepted, Seq: seq})
		}},
		"expired, then accepted by itself": {checker.Unstable, func(w *world) {
			w.Send(ann1).Unknown(idOf(ann1))
			a := w.Send(ann1)
			w.outcome(ann1, checker.Outcome{Status: checker.Expired})
			a.Acked(idOf(ann1), w.append(ann1))
		}},
		"another id under the same key": {checker.Unstable, func(w *world) {
			w.Send(ann1).Unknown("another")
			w.accept(ann1)
		}},
		"the acknowledged seq is not the room's": {checker.Contradicted, func(w *world) {
			a := w.Send(ann1)
			a.Acked(idOf(ann1), w.append(ann1)+1)
		}},
		"rejected, but in the room": {checker.Contradicted, func(w *world) {
			w.accept(ann1)
			w.outcome(ann1, checker.Outcome{Status: checker.Rejected, Code: "not_a_member"})
		}},
		"accepted, but not in the room": {checker.Contradicted, func(w *world) {
			w.Send(ann1).Acked(idOf(ann1), 0)
			w.outcome(ann1, checker.Outcome{Status: checker.Accepted, Seq: 2})
		}},
		"a message without effect": {checker.Contradicted, func(w *world) {
			w.Send(ann1).Acked(idOf(ann1), 0)
			w.outcome(ann1, checker.Outcome{Status: checker.Accepted})
		}},
		"a member's message rejected": {checker.Misjudged, func(w *world) {
			w.Send(ann1).Acked(idOf(ann1), 0)
			w.outcome(ann1, checker.Outcome{Status: checker.Rejected, Code: "not_a_member"})
		}},
		"a message from outside": {checker.Misjudged, func(w *world) {
			c := ann1
			c.Expect = checker.MustReject
			w.accept(c)
		}},
		"never answered": {checker.Unresolved, func(w *world) {
			w.Send(ann1).Unknown(idOf(ann1))
		}},
		"never answered, and there": {checker.Unresolved, func(w *world) {
			w.Send(ann1).Unknown(idOf(ann1))
			w.append(ann1)
		}},
		"still pending": {checker.Unresolved, func(w *world) {
			w.Send(ann1).Acked(idOf(ann1), 0)
			w.outcome(ann1, checker.Outcome{Status: checker.Pending})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			test.plant(w)
			found := checker.Check(w.History, w.state)
			if len(found) == 0 {
				t.Fatalf("not found; want %s", test.rule)
			}
			for _, v := range found {
				if v.Rule != test.rule {
					t.Errorf("%s; want %s only", v, test.rule)
				}
			}
		})
	}
}

// each changes the event at an index in all views.
func (w *world) each(i int, change func(*checker.Event, *checker.Posted)) {
	r := w.state.Room(lobby)
	id := r.Events[i].ID
	j := slices.IndexFunc(r.Messages, func(m checker.Posted) bool { return m.ID == id })
	change(&r.Events[i], &r.Messages[j])
	r.Exported[i], r.Backwards[j] = r.Events[i], r.Messages[j]
}

// rename gives the event at an index, of two that are alike, another id.
func (w *world) rename(i int, id events.EventID) {
	w.each(i, func(e *checker.Event, m *checker.Posted) { e.ID, m.ID = id, id })
}

// A server that loses, repeats or swaps one event in a long history of many
// clients is found out, wherever it does; the same history told truly passes.
func TestOneFaultInAThousand(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 20 {
		w, order := random(rng)
		if found := checker.Check(w.History, w.state); len(found) > 0 {
			t.Fatalf("told truly: %v", found)
		}
		fault := rng.IntN(3)
		seqs := slices.Clone(order)
		i := rng.IntN(len(seqs) - 1)
		switch fault {
		case 0:
			seqs = slices.Delete(seqs, i, i+1)
		case 1:
			seqs = append(seqs, seqs[i])
		case 2: // acknowledged one after the other: they must not change places
			seqs[i], seqs[i+1] = seqs[i+1], seqs[i]
		}
		w.state = checker.State{}
		w.append(checker.Command{Room: lobby, User: "olga", Key: "make", Kind: checker.Creation})
		for _, c := range seqs {
			w.append(c)
		}
		want := []checker.Rule{checker.Lost, checker.Twice, checker.Order}[fault]
		found := checker.Check(w.History, w.state)
		if len(found) == 0 || !slices.ContainsFunc(found, func(v checker.Violation) bool { return v.Rule == want }) {
			t.Fatalf("fault %d at %d: found %v, want %s", fault, i, found, want)
		}
	}
}

// random makes a history in which some answers are lost, and the order of its
// messages in the log; each is answered before the next one is sent.
func random(rng *rand.Rand) (*world, []checker.Command) {
	w := newWorld()
	var order []checker.Command
	for i := range 1000 {
		c := message(events.UserID(fmt.Sprintf("u%d", rng.IntN(8))), fmt.Sprint(i))
		for rng.IntN(10) == 0 {
			w.Send(c).Unknown("")
		}
		w.accept(c)
		order = append(order, c)
	}
	return w, order
}
