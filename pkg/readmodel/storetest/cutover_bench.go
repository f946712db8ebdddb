package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// BenchmarkCutOver goes back and forth between two versions that have the same
// rooms, ever more of them: comparing all while they stand still, or beforehand
// all but a hundred.
func BenchmarkCutOver(b *testing.B, place func(t testing.TB) Place) {
	for _, rooms := range []int{1000, 50_000, 200_000} {
		at := place(b)
		c := at.Control(b, nil)
		sameRooms(b, rooms, at.Open(b, 1), build(b, at, c))
		b.Run(fmt.Sprintf("rooms=%d/all", rooms), func(b *testing.B) { benchmarkCutOver(b, c, false) })
		b.Run(fmt.Sprintf("rooms=%d/beforehand", rooms), func(b *testing.B) { benchmarkCutOver(b, c, true) })
	}
}

func sameRooms(b *testing.B, rooms int, stores ...readmodel.Store) {
	for _, s := range stores {
		for first := 0; first < rooms; first += 1000 {
			p := claimed(b, s, 0)
			for n := range 1000 {
				p.room(benchmarkRoomOf(first+n)).created("ann", events.RoomPublic, "R")
			}
			p.commit(b)
		}
	}
}

func benchmarkRoomOf(n int) readmodel.Key { return inMain(events.RoomID(fmt.Sprintf("room-%d", n))) }

func benchmarkCutOver(b *testing.B, c readmodel.Control, beforehand bool) {
	var changed []readmodel.Key
	for n := range 100 {
		changed = append(changed, benchmarkRoomOf(n))
	}
	for b.Loop() {
		b.StopTimer()
		version := 1
		if projections(b, c)[0].State == readmodel.Live {
			version = 2
		}
		var before *readmodel.Beforehand
		if beforehand {
			found, err := c.Compare(b.Context(), version)
			if err != nil {
				b.Fatal(err)
			}
			before = &readmodel.Beforehand{Comparison: found, Since: func(context.Context, map[events.Partition]events.Offset) ([]readmodel.Key, error) {
				return changed, nil
			}}
		}
		b.StartTimer()
		if err := c.CutOver(b.Context(), version, aTime, before); err != nil {
			b.Fatal(err)
		}
	}
}
