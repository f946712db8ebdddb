package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Place is an empty database or directory, for a test alone. What it opens ends
// with the test.
type Place struct {
	// Control opens the control; fault is the Fault of its config.
	Control func(t testing.TB, fault func(step string) error) readmodel.Control
	// Open opens a version, and makes it where there is none; Existing does not.
	Open     func(t testing.TB, version int) readmodel.Store
	Existing func(version int) (readmodel.Store, error)
	// Live opens what reads the live version.
	Live func(t testing.TB) readmodel.Store
	// Remove takes away a version's tables, unknown to the control.
	Remove func(t testing.TB, version int)
}

// RunControl runs the suite of controls and of stores that follow them.
func RunControl(t *testing.T, place func(t testing.TB) Place) {
	for _, group := range []struct {
		name string
		run  func(*testing.T, Place)
	}{
		{"first", testFirstControl},
		{"before control", testBeforeControl},
		{"build", testBuild},
		{"build together", testBuildTogether},
		{"refused", testCutOverRefused},
		{"ahead", testCutOverAhead},
		{"catch up", testCutOverCatchUp},
		{"faults", testCutOverFaults},
		{"beforehand", testBeforehand},
		{"follow", testFollow},
		{"drop", testDrop},
		{"drop what is read", testDropWhatIsRead},
		{"tables gone", testTablesGone},
		{"under load", testCutOverUnderLoad},
	} {
		t.Run(group.name, func(t *testing.T) { group.run(t, place(t)) })
	}
}

const aTime = epochOfTests + 77

func testFirstControl(t *testing.T, at Place) {
	c := at.Control(t, nil)
	list := projections(t, c)
	if len(list) != 1 || list[0].Version != 1 || list[0].State != readmodel.Live || list[0].Live == 0 {
		t.Errorf("the first versions are %+v", list)
	}
	if v := version(t, at.Live(t)); v != 1 {
		t.Errorf("version %d is read", v)
	}
	equal(t, "versions of a second control", projections(t, at.Control(t, nil)), list)
	s := at.Live(t)
	if _, err := s.Claim(t.Context(), 0, aLog, "owner"); !errors.Is(err, readmodel.ErrReadOnly) {
		t.Errorf("claim: got error %v", err)
	}
	err := s.Fold(t.Context(), readmodel.Fence{}, nil, func(readmodel.Rows) (readmodel.Batch, error) { return readmodel.Batch{}, nil })
	if !errors.Is(err, readmodel.ErrReadOnly) {
		t.Errorf("fold: got error %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error("ping:", err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error("close:", err)
		}
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("ping of a closed store: no error")
	}
}

// testBeforeControl has tables from when there was no control.
func testBeforeControl(t *testing.T, at Place) {
	p := claimed(t, at.Open(t, 1), 0)
	p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby")
	p.commit(t)
	if v, seq := version(t, at.Live(t)), seqOf(t, at.Live(t), lobby); v != 1 || seq != 1 {
		t.Errorf("version %d is read, with seq %d", v, seq)
	}
}

func testBuild(t *testing.T, at Place) {
	c := at.Control(t, nil)
	p, err := c.Build(t.Context(), aTime)
	if err != nil || p != (readmodel.Projection{Version: 2, State: readmodel.Building, Created: aTime}) {
		t.Fatalf("build: %+v, %v", p, err)
	}
	equal(t, "the versions", projections(t, c)[1:], []readmodel.Projection{p})
	if again, err := c.Build(t.Context(), aTime+1); !errors.Is(err, readmodel.ErrBuilding) || again != p {
		t.Errorf("another build: %+v, %v", again, err)
	}
	s, err := at.Existing(p.Version)
	if err != nil {
		t.Fatal("its tables:", err)
	}
	t.Cleanup(func() { closing(t, s) })
	if rows := dump(t, s); len(rows) != 0 {
		t.Errorf("its tables have %d rows", len(rows))
	}
	if v := version(t, s); v != 2 {
		t.Errorf("it says that it is version %d", v)
	}
	if v := version(t, at.Live(t)); v != 1 {
		t.Errorf("version %d is read", v)
	}

	// Numbers are not used again, nor is what somebody else left behind.
	if err := c.Drop(t.Context(), 2); err != nil {
		t.Fatal("drop:", err)
	}
	at.Open(t, 3)
	if p, err := c.Build(t.Context(), aTime); err != nil || p.Version != 4 {
		t.Errorf("a build after the drop: %+v, %v", p, err)
	}
}

func testBuildTogether(t *testing.T, at Place) {
	controls := []readmodel.Control{at.Control(t, nil), at.Control(t, nil)}
	var building sync.WaitGroup
	var mu sync.Mutex
	built := 0
	for n := range 10 {
		building.Go(func() {
			p, err := controls[n%2].Build(t.Context(), aTime)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				built++
			case !errors.Is(err, readmodel.ErrBuilding):
				t.Error("build:", err)
			}
			if p.Version != 2 {
				t.Errorf("version %d", p.Version)
			}
		})
	}
	building.Wait()
	if built != 1 {
		t.Errorf("%d were built", built)
	}
}

func testDrop(t *testing.T, at Place) {
	c := at.Control(t, nil)
	if err := c.Drop(t.Context(), 1); !errors.Is(err, readmodel.ErrLive) {
		t.Errorf("drop of the live version: got error %v", err)
	}
	if err := c.Drop(t.Context(), 2); !errors.Is(err, readmodel.ErrNoProjection) {
		t.Errorf("drop of none: got error %v", err)
	}
	two := build(t, at, c)
	p := claimed(t, two, 0)
	p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby")
	p.commit(t)
	cutOver(t, c, 2)
	cutOver(t, c, 2) // it is
	if err := c.Drop(t.Context(), 2); !errors.Is(err, readmodel.ErrLive) {
		t.Errorf("drop of the live version: got error %v", err)
	}
	if err := c.Drop(t.Context(), 1); err != nil {
		t.Fatal("drop of the earlier one:", err)
	}
	equal(t, "versions", states(t, c), []readmodel.ProjectionState{readmodel.Live})
	if _, err := at.Existing(1); !errors.Is(err, readmodel.ErrNoProjection) {
		t.Errorf("open what was dropped: got error %v", err)
	}
	if seq := seqOf(t, at.Live(t), lobby); seq != 1 {
		t.Errorf("the live version has seq %d", seq)
	}
	// A program that starts now does not make version 1 again.
	closing(t, at.Control(t, nil))
	if _, err := at.Existing(1); !errors.Is(err, readmodel.ErrNoProjection) {
		t.Errorf("what was dropped is there again: got error %v", err)
	}
}

// testDropWhatIsRead drops a version that an older snapshot still reads.
func testDropWhatIsRead(t *testing.T, at Place) {
	c := at.Control(t, nil)
	one, two := at.Open(t, 1), build(t, at, c)
	tell(t, lobby, 2, one, two)
	reader := at.Live(t)
	var dropping sync.WaitGroup
	err := reader.Snapshot(t.Context(), func(r readmodel.Reader) error {
		cutOver(t, c, 2)
		begun := make(chan struct{})
		dropping.Go(func() {
			close(begun)
			if err := c.Drop(t.Context(), 1); err != nil {
				t.Error("drop:", err)
			}
		})
		<-begun
		for range 20 { // the drop comes in between, or waits
			if v, seq := version(t, reader), seqOf(t, reader, lobby); v != 2 || seq != 3 {
				t.Errorf("another snapshot reads version %d, with seq %d", v, seq)
			}
			if row, _, err := r.Room(t.Context(), inMain(lobby)); err != nil || row.Seq != 3 {
				return fmt.Errorf("the older snapshot: seq %d, %w", row.Seq, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	dropping.Wait()
	if _, err := at.Existing(1); !errors.Is(err, readmodel.ErrNoProjection) {
		t.Errorf("open what was dropped: got error %v", err)
	}
	tell(t, "after", 1, two)
	if seq := seqOf(t, reader, "after"); seq != 2 {
		t.Errorf("the live version has seq %d", seq)
	}
}

// testTablesGone has versions whose tables are not there any more.
func testTablesGone(t *testing.T, at Place) {
	c := at.Control(t, nil)
	two := build(t, at, c)
	p := claimed(t, two, 0)
	at.Remove(t, 2)
	p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby")
	if _, err := p.fold(t.Context(), nil, p.take()); !errors.Is(err, readmodel.ErrNoProjection) {
		t.Errorf("fold: got error %v", err)
	}
	if _, err := two.Claim(t.Context(), 0, aLog, "owner"); !errors.Is(err, readmodel.ErrNoProjection) {
		t.Errorf("claim: got error %v", err)
	}
	if _, err := at.Existing(2); !errors.Is(err, readmodel.ErrNoProjection) {
		t.Errorf("open: got error %v", err)
	}
	if err := c.CutOver(t.Context(), 2, aTime, nil); !errors.Is(err, readmodel.ErrNoProjection) {
		t.Errorf("cut over: got error %v", err)
	}
	if err := c.Drop(t.Context(), 2); err != nil {
		t.Errorf("drop: %v", err)
	}
	equal(t, "versions", states(t, c), []readmodel.ProjectionState{readmodel.Live})
}

// build adds a version and opens it.
func build(t testing.TB, at Place, c readmodel.Control) readmodel.Store {
	t.Helper()
	p, err := c.Build(t.Context(), aTime)
	if err != nil {
		t.Fatal("build:", err)
	}
	return at.Open(t, p.Version)
}

func cutOver(t testing.TB, c readmodel.Control, version int) {
	t.Helper()
	if err := c.CutOver(t.Context(), version, aTime, nil); err != nil {
		t.Fatal(err)
	}
}

func projections(t testing.TB, c readmodel.Control) []readmodel.Projection {
	t.Helper()
	list, err := c.Projections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(list, func(a, b readmodel.Projection) int { return a.Version - b.Version }) {
		t.Errorf("the list is not in order: %+v", list)
	}
	return list
}

func states(t testing.TB, c readmodel.Control) (all []readmodel.ProjectionState) {
	t.Helper()
	for _, p := range projections(t, c) {
		all = append(all, p.State)
	}
	return all
}

// version is the one that a snapshot reads.
func version(t testing.TB, s readmodel.Store) (v int) {
	t.Helper()
	err := s.Snapshot(t.Context(), func(r readmodel.Reader) error {
		v = r.Projection()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func seqOf(t testing.TB, s readmodel.Store, r events.RoomID) (seq events.Seq) {
	t.Helper()
	err := s.Snapshot(t.Context(), func(reader readmodel.Reader) error {
		row, _, err := reader.Room(t.Context(), inMain(r))
		seq = row.Seq
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func closing(t testing.TB, c interface{ Close() error }) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
