package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// tell folds into partition 0 of each store a room that has so many messages.
func tell(t testing.TB, r events.RoomID, messages int, stores ...readmodel.Store) {
	t.Helper()
	for _, s := range stores {
		p := claimed(t, s, 0)
		b := p.room(inMain(r)).created("ann", events.RoomPublic, "R")
		for range messages {
			b.says("ann", "hi", nil)
		}
		p.commit(t)
	}
}

// testCutOverRefused cuts over to versions that do not hold what the live one
// does.
func testCutOverRefused(t *testing.T, at Place) {
	c := at.Control(t, nil)
	live := at.Open(t, 1)
	if err := c.CutOver(t.Context(), 2, aTime, nil); !errors.Is(err, readmodel.ErrNoProjection) {
		t.Errorf("there is no such version: got error %v", err)
	}
	other := events.RoomID("other")
	tell(t, other, 2, live)
	tell(t, lobby, 2, live)
	claimed(t, live, 1)

	behind := func(partition events.Partition, next, live events.Offset) func(error) bool {
		return func(err error) bool {
			var e *readmodel.BehindError
			return errors.As(err, &e) && *e == readmodel.BehindError{Partition: partition, Next: next, Live: live}
		}
	}
	differs := func(rooms int64, first events.RoomID) func(error) bool {
		return func(err error) bool {
			var e *readmodel.DiffersError
			return errors.As(err, &e) && *e == readmodel.DiffersError{Rooms: rooms, First: inMain(first)}
		}
	}
	for _, test := range []struct {
		name  string
		fold  func(readmodel.Store)
		wants func(error) bool
	}{
		{"nothing is folded", func(readmodel.Store) {}, behind(0, 0, 6)},
		{"a part is folded", func(s readmodel.Store) { tell(t, other, 2, s) }, behind(0, 3, 6)},
		{"a partition was never claimed", func(s readmodel.Store) { tell(t, other, 2, s); tell(t, lobby, 2, s) }, behind(1, 0, 0)},
		{"another log", func(s readmodel.Store) {
			tell(t, other, 2, s)
			tell(t, lobby, 2, s)
			if _, err := s.Claim(t.Context(), 1, events.LogID{0xff}, "owner"); err != nil {
				t.Fatal(err)
			}
		}, func(err error) bool { return err != nil }},
		{"a room is missing", func(s readmodel.Store) {
			tell(t, other, 5, s)
			claimed(t, s, 1)
		}, differs(2, lobby)},
		{"a room has less", func(s readmodel.Store) {
			tell(t, other, 2, s)
			tell(t, lobby, 1, s)
			tell(t, "z", 0, s)
			claimed(t, s, 1)
		}, differs(2, lobby)},
		{"a seq has another event", func(s readmodel.Store) {
			tell(t, other, 2, s)
			p := claimed(t, s, 0)
			r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "R")
			r.Digest = "00"
			r.says("ann", "hi", nil).says("ann", "hi", nil)
			p.commit(t)
			claimed(t, s, 1)
		}, differs(1, lobby)},
		{"a room is further than the checkpoint", func(s readmodel.Store) {
			tell(t, other, 3, s)
			tell(t, lobby, 2, s)
			claimed(t, s, 1)
		}, differs(1, other)},
		{"a room has more, and other events before", func(s readmodel.Store) {
			tell(t, other, 2, s)
			p := claimed(t, s, 0)
			r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "R")
			r.Digest = "00"
			r.says("ann", "hi", nil).says("ann", "hi", nil).says("ann", "past the checkpoint", nil)
			p.commit(t)
			claimed(t, s, 1)
		}, differs(1, lobby)},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := build(t, at, c)
			list := projections(t, c)
			building := list[len(list)-1].Version
			test.fold(s)
			if err := c.CutOver(t.Context(), building, aTime, nil); !test.wants(err) {
				t.Errorf("got error %v", err)
			}
			equal(t, "the versions afterwards", projections(t, c), list)
			closing(t, s)
			if err := c.Drop(t.Context(), building); err != nil {
				t.Error("drop:", err)
			}
		})
	}

	// One that lacks much does not even stop the live version.
	far := claimed(t, live, 0)
	far.next += 100_000
	far.commit(t)
	build(t, at, c)
	stopped := at.Control(t, func(step string) error { return errors.New("it came to " + step) })
	list := projections(t, c)
	if err := stopped.CutOver(t.Context(), list[len(list)-1].Version, aTime, nil); !behind(0, 0, 100_006)(err) {
		t.Errorf("far behind: got error %v", err)
	}

	tell(t, "after", 1, live) // it is folded on
	if v := version(t, at.Live(t)); v != 1 {
		t.Errorf("version %d is live", v)
	}
}

// testCutOverAhead goes to a version that is further than the live one, and back
// when that has come up to it.
func testCutOverAhead(t *testing.T, at Place) {
	c, reader := at.Control(t, nil), at.Live(t)
	one, two := at.Open(t, 1), build(t, at, c)
	tell(t, lobby, 2, one, two)
	more := func(s readmodel.Store) {
		p := claimed(t, s, 0)
		r := p.room(inMain(lobby))
		row := read(t, s, findRoom)
		r.Header = row.Value.Header
		r.says("ann", "more", nil)
		p.room(inMain("newer")).created("bob", events.RoomPublic, "N").says("bob", "hi", nil)
		p.commit(t)
	}
	more(two)
	cutOver(t, c, 2)
	if v, seq := version(t, reader), seqOf(t, reader, lobby); v != 2 || seq != 4 {
		t.Errorf("version %d is read, at seq %d", v, seq)
	}
	var behind *readmodel.BehindError
	if err := c.CutOver(t.Context(), 1, aTime, nil); !errors.As(err, &behind) {
		t.Errorf("back to what is behind: got error %v", err)
	}
	more(one)
	if err := c.CutOver(t.Context(), 1, aTime+5, nil); err != nil {
		t.Fatal("back:", err)
	}
	list := projections(t, c)
	if list[0].State != readmodel.Live || list[0].Live != aTime+5 || list[1].State != readmodel.Previous || list[1].Live != aTime {
		t.Errorf("the versions are %+v", list)
	}
	if v, seq := version(t, reader), seqOf(t, reader, lobby); v != 1 || seq != 4 {
		t.Errorf("version %d is read, at seq %d", v, seq)
	}
}

// testCutOverCatchUp shows that the live version waits for the other one.
func testCutOverCatchUp(t *testing.T, at Place) {
	var one, two readmodel.Store
	folded := make(chan struct{})
	c := at.Control(t, func(step string) error {
		switch step {
		case "freeze live":
			tell(t, "meanwhile", 3, one) // the live one is not stopped yet
			go func() {
				defer close(folded)
				tell(t, "meanwhile", 3, two)
				tell(t, "later", 3, two)
			}()
		case "freeze target":
			<-folded // and past it
		}
		return nil
	})
	one, two = at.Open(t, 1), build(t, at, c)
	tell(t, lobby, 2, one, two)
	if err := c.CutOver(t.Context(), 2, aTime, nil); err != nil {
		t.Fatal(err)
	}
	if seq := seqOf(t, at.Live(t), "meanwhile"); seq != 4 {
		t.Errorf("the live version has seq %d", seq)
	}
}

// testCutOverFaults ends a cut-over at each of its steps.
func testCutOverFaults(t *testing.T, at Place) {
	failure := errors.New("the step fails")
	var steps []string
	failing := ""
	c := at.Control(t, func(step string) error {
		steps = append(steps, step)
		if step == failing {
			return failure
		}
		return nil
	})
	one, two := at.Open(t, 1), build(t, at, c)
	tell(t, lobby, 2, one, two)
	for i, step := range []string{"freeze live", "freeze target", "compare", "switch", "commit"} {
		steps, failing = nil, step
		if err := c.CutOver(t.Context(), 2, aTime, nil); !errors.Is(err, failure) {
			t.Errorf("%s: got error %v", step, err)
		}
		if len(steps) != i+1 {
			t.Errorf("the steps are %q", steps)
		}
		equal(t, "states after "+step, states(t, c), []readmodel.ProjectionState{readmodel.Live, readmodel.Building})
		tell(t, events.RoomID("after-"+step[:3]+string(rune('0'+i))), 1, one, two) // nothing is locked any more
	}
	failing = "committed" // the lost answer
	if err := c.CutOver(t.Context(), 2, aTime, nil); !errors.Is(err, failure) {
		t.Errorf("committed: got error %v", err)
	}
	equal(t, "states", states(t, c), []readmodel.ProjectionState{readmodel.Previous, readmodel.Live})
	if !slices.Contains(steps, "freeze live") {
		t.Errorf("the steps are %q", steps)
	}
}

// testFollow keeps a snapshot open while the live version becomes another one.
func testFollow(t *testing.T, at Place) {
	c := at.Control(t, nil)
	one, two := at.Open(t, 1), build(t, at, c)
	tell(t, lobby, 2, one, two)
	reader, second := at.Live(t), at.Live(t)
	err := reader.Snapshot(t.Context(), func(r readmodel.Reader) error {
		if _, _, err := r.Room(t.Context(), inMain(lobby)); err != nil {
			return err
		}
		cutOver(t, c, 2)
		tell(t, "after", 1, two)
		for _, s := range []readmodel.Store{reader, second} {
			if v, seq := version(t, s), seqOf(t, s, "after"); v != 2 || seq != 2 {
				t.Errorf("another snapshot reads version %d, with seq %d", v, seq)
			}
		}
		if _, there, err := r.Room(t.Context(), inMain("after")); there || err != nil || r.Projection() != 1 {
			t.Errorf("the older snapshot: version %d, %v, %v", r.Projection(), there, err)
		}
		row, _, err := r.Room(t.Context(), inMain(lobby))
		if row.Seq != 3 {
			t.Errorf("the older snapshot has seq %d", row.Seq)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
