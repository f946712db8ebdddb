package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

func findRoom(ctx context.Context, r readmodel.Reader) (maybe[readmodel.RoomRow], error) {
	return find(r.Room(ctx, inMain(lobby)))
}

// testCutOverUnderLoad goes back and forth between two versions that are being
// folded to the end of a growing log, each in batches of its own, while others
// read. No read fails, none has less than the one before, and in the end the
// versions are equal.
func testCutOverUnderLoad(t *testing.T, at Place) {
	const partitions, cuts = 2, 20
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	c := at.Control(t, nil)
	stores := []readmodel.Store{at.Open(t, 1), build(t, at, c)}

	done := make(chan struct{})
	var folding, reading sync.WaitGroup
	var end atomic.Int64 // of the log, in each partition
	folding.Go(func() {
		for {
			end.Add(2)
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	var told [2][partitions]*projector
	for v, s := range stores {
		for n := range partitions {
			p := claimed(t, s, events.Partition(n))
			told[v][n] = p
			r := p.room(inMain(roomOf(n))).created("ann", events.RoomPublic, "R")
			folding.Go(func() {
				for {
					r.says("ann", "hi", nil)
					for batch := 2 + v*5; batch > 0 && int64(p.next) < end.Load(); batch-- {
						r.says("ann", "hi", nil)
					}
					if _, err := p.fold(ctx, nil, p.take()); err != nil {
						t.Errorf("version %d, partition %d: %v", v+1, n, err)
						return
					}
					for int64(p.next) >= end.Load() {
						select {
						case <-done:
							return
						case <-time.After(time.Millisecond):
						}
					}
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
	}
	for range 2 {
		reader := at.Live(t)
		reading.Go(func() { watch(ctx, t, reader, partitions, done) })
	}

	enough := time.Now().Add(20 * time.Second)
	for n := range cuts {
		if n >= 4 && time.Now().After(enough) {
			t.Logf("the machine is busy: %d cut-overs", n)
			break
		}
		version := 2 - n%2
		for {
			err := c.CutOver(ctx, version, aTime+int64(n), nil)
			if _, behind := errors.AsType[*readmodel.BehindError](err); behind {
				continue
			}
			if err != nil {
				t.Errorf("cut-over %d: %v", n, err)
			}
			break
		}
		if t.Failed() {
			break
		}
	}
	// Two at a time take turns.
	var cutting sync.WaitGroup
	for n := range 4 {
		other := at.Control(t, nil)
		cutting.Go(func() {
			var behind *readmodel.BehindError
			if err := other.CutOver(ctx, 1+n%2, aTime, nil); err != nil && !errors.As(err, &behind) {
				t.Error("cut-over beside another:", err)
			}
		})
	}
	cutting.Wait()
	close(done)
	folding.Wait()
	reading.Wait()
	if t.Failed() {
		return
	}
	for n := range partitions { // bring both to one end
		a, b := told[0][n], told[1][n]
		for a.next != b.next {
			p := a
			if b.next < a.next {
				p = b
			}
			p.room(inMain(roomOf(n))).says("ann", "hi", nil)
			p.commit(t)
		}
	}
	cutOver(t, c, 2)
	cutOver(t, c, 1)
	equal(t, "the versions", dump(t, stores[0]), dump(t, stores[1]))
}

func roomOf(partition int) events.RoomID { return events.RoomID(fmt.Sprintf("room-%d", partition)) }

// watch reads until done: rows and checkpoint of each snapshot belong together,
// and none goes back.
func watch(ctx context.Context, t *testing.T, s readmodel.Store, partitions int, done <-chan struct{}) {
	seen := make([]events.Seq, partitions)
	versions := map[int]int{}
	for {
		select {
		case <-done:
			if versions[1] == 0 || versions[2] == 0 {
				t.Errorf("reads by version: %v", versions)
			}
			return
		default:
		}
		err := s.Snapshot(ctx, func(r readmodel.Reader) error {
			versions[r.Projection()]++
			for n := range partitions {
				row, _, err := r.Room(ctx, inMain(roomOf(n)))
				if err != nil {
					return err
				}
				c, _, err := r.Checkpoint(ctx, events.Partition(n))
				if err != nil {
					return err
				}
				if row.Seq != events.Seq(c.Next) || row.Seq < seen[n] {
					return fmt.Errorf("version %d: checkpoint %d with seq %d, after seq %d", r.Projection(), c.Next, row.Seq, seen[n])
				}
				seen[n] = row.Seq
			}
			return nil
		})
		if err != nil {
			t.Error("read:", err)
			return
		}
	}
}
