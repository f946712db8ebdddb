package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// testBeforehand cuts over with a comparison that was made before: only rooms that
// were unlike then, or have records since, are looked at, and those are.
func testBeforehand(t *testing.T, at Place) {
	c := at.Control(t, nil)
	one, two := at.Open(t, 1), build(t, at, c)
	for _, r := range []events.RoomID{"a", "b", "c", lobby} {
		tell(t, r, 2, one, two)
	}
	tell(t, "unlike", 1, one)
	found, err := c.Compare(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "rooms that are unlike", found.Rooms, []readmodel.Key{inMain("unlike")})
	equal(t, "the first offsets that one has not folded", found.From(), map[events.Partition]events.Offset{0: 12})
	tell(t, "unlike", 1, two)
	if _, err := c.Compare(t.Context(), 9); !errors.Is(err, readmodel.ErrNoProjection) {
		t.Errorf("compare with none: got error %v", err)
	}

	asked := 0
	before := func(rooms ...readmodel.Key) *readmodel.Beforehand {
		return &readmodel.Beforehand{Comparison: found, Since: func(_ context.Context, from map[events.Partition]events.Offset) ([]readmodel.Key, error) {
			asked++
			equal(t, "asked for", from, map[events.Partition]events.Offset{0: 12})
			return rooms, nil
		}}
	}
	differs := func(what string, b *readmodel.Beforehand, first events.RoomID) {
		t.Helper()
		var e *readmodel.DiffersError
		if err := c.CutOver(t.Context(), 2, aTime, b); !errors.As(err, &e) || *e != (readmodel.DiffersError{Rooms: 1, First: inMain(first)}) {
			t.Errorf("%s: got error %v", what, err)
		}
	}
	spoil(t, two, "b")
	differs("a room with records since", before(inMain("a"), inMain("b"), inMain("none"), inMain("b")), "b")
	many := slices.Repeat([]readmodel.Key{inMain("a")}, 1200)
	for i := range many {
		many[i].Room = events.RoomID(fmt.Sprint("none-", i))
	}
	differs("more than one statement takes", before(append(many, inMain("b"))...), "b")
	differs("the log does not say", &readmodel.Beforehand{Comparison: found, Since: func(context.Context, map[events.Partition]events.Offset) ([]readmodel.Key, error) {
		return nil, errors.New("it is away")
	}}, "b")
	differs("more rooms than are looked up", before(slices.Repeat([]readmodel.Key{inMain("a")}, 100_000)...), "b")
	decided := before()
	decided.Other = slices.Clone(found.Other)
	decided.Other[0].Decisions++
	differs("operators have decided since", decided, "b")
	unknown := before()
	unknown.Live = nil
	differs("a partition was not there", unknown, "b")

	if asked != 3 {
		t.Errorf("the log was asked %d times", asked)
	}
	// What nothing has happened to is not looked at again.
	if err := c.CutOver(t.Context(), 2, aTime, before(inMain("a"))); err != nil {
		t.Error(err)
	}
	if v := version(t, at.Live(t)); v != 2 {
		t.Errorf("version %d is live", v)
	}
}

// spoil gives a room another history, and moves no checkpoint.
func spoil(t testing.TB, s readmodel.Store, r events.RoomID) {
	t.Helper()
	row := read(t, s, func(ctx context.Context, reader readmodel.Reader) (readmodel.RoomRow, error) {
		row, _, err := reader.Room(ctx, inMain(r))
		return row, err
	})
	row.Digest = "00"
	p := claimed(t, s, 0)
	p.batch.Headers = append(p.batch.Headers, &row.Header)
	p.commit(t)
}
