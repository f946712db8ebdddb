package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// testSnapshot shows that a snapshot is of one moment: what is committed while
// it is open is not in it, and does not wait for it.
func testSnapshot(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby").says("ann", "one", nil)
	p.commit(t)
	floor := p.claim.Next

	err := s.Snapshot(t.Context(), func(r readmodel.Reader) error {
		for range 2 {
			c, _, err := r.Checkpoint(t.Context(), 0)
			if err != nil {
				return err
			}
			rows, err := r.MessagesAfter(t.Context(), inMain(lobby), 0, 10)
			if err != nil {
				return err
			}
			row, _, err := r.Room(t.Context(), inMain(lobby))
			if err != nil {
				return err
			}
			if c.Next != floor || len(rows) != 1 || row.Seq != 2 {
				t.Errorf("the snapshot has checkpoint %d, %d messages, seq %d", c.Next, len(rows), row.Seq)
			}
			p.room(inMain(lobby)).says("ann", "another", nil)
			p.commit(t)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := read(t, s, func(ctx context.Context, r readmodel.Reader) ([]readmodel.MessageRow, error) {
		return r.MessagesAfter(ctx, inMain(lobby), 0, 10)
	})
	if len(rows) != 3 {
		t.Errorf("a later snapshot has %d messages", len(rows))
	}
}

// testTakeover claims a partition while its owner is in the middle of a batch.
// Either the claim finds the batch done, or the batch finds itself fenced.
func testTakeover(t *testing.T, open Open) {
	s := open(t, nil)
	first := claimed(t, s, 0)
	first.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby")
	batch := first.take()

	var second readmodel.Checkpoint
	var claiming sync.WaitGroup
	err := s.Fold(t.Context(), first.fence(), nil, func(readmodel.Rows) (readmodel.Batch, error) {
		begun := make(chan struct{})
		claiming.Go(func() {
			close(begun)
			var err error
			if second, err = s.Claim(t.Context(), 0, aLog, "second"); err != nil {
				t.Error("claim:", err)
			}
		})
		<-begun
		return batch, nil
	})
	claiming.Wait()
	switch {
	case err == nil && second.Next == first.next && len(dump(t, s)) == 3:
	case errors.Is(err, readmodel.ErrFenced) && second.Next == 0 && len(dump(t, s)) == 0:
	default:
		t.Errorf("the batch: %v; the claim finds checkpoint %d, the tables have %d rows", err, second.Next, len(dump(t, s)))
	}
	if _, err := first.fold(t.Context(), nil, batch); !errors.Is(err, readmodel.ErrFenced) {
		t.Errorf("the first owner afterwards: got error %v", err)
	}
}

// testPartitions folds several partitions at a time, while others read: each
// snapshot has rows and checkpoints of one moment.
func testPartitions(t *testing.T, open Open) {
	const partitions, batches, each = 4, 15, 5
	s := open(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	var folding, reading sync.WaitGroup
	done := make(chan struct{})
	for n := range partitions {
		p := claimed(t, s, events.Partition(n))
		folding.Go(func() {
			r := p.room(inMain(events.RoomID(fmt.Sprintf("room-%d", n)))).created("ann", events.RoomPublic, "R")
			for range batches {
				for range each {
					r.says("ann", "hi", nil)
				}
				if _, err := p.fold(ctx, readmodel.Needs{r.key: {Header: true, Needs: room.Needs{Members: []events.UserID{"ann"}}}}, p.take()); err != nil {
					t.Errorf("partition %d: %v", n, err)
					return
				}
			}
		})
	}
	for range 2 {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				err := s.Snapshot(ctx, func(r readmodel.Reader) error {
					all, err := r.Checkpoints(ctx)
					if err != nil {
						return err
					}
					for _, c := range all {
						k := inMain(events.RoomID(fmt.Sprintf("room-%d", c.Partition)))
						row, _, err := r.Room(ctx, k)
						if err != nil {
							return err
						}
						if row.Seq != events.Seq(c.Next) { // one record, one seq
							return fmt.Errorf("checkpoint %d with seq %d", c.Next, row.Seq)
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	folding.Wait()
	close(done)
	reading.Wait()

	for n := range partitions {
		rows := read(t, s, func(ctx context.Context, r readmodel.Reader) ([]readmodel.EventRow, error) {
			return r.Events(ctx, inMain(events.RoomID(fmt.Sprintf("room-%d", n))), 0, nil, 1000)
		})
		if len(rows) != 1+batches*each {
			t.Errorf("partition %d has %d events", n, len(rows))
		}
		for i, e := range rows {
			if e.Seq != events.Seq(i+1) || e.Partition != events.Partition(n) {
				t.Errorf("partition %d: row %d is %d/%d", n, i, e.Partition, e.Seq)
			}
		}
	}
}

func testClosed(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	everything(p)
	if err := s.Ping(t.Context()); err != nil {
		t.Error("ping:", err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal("close:", err)
		}
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("ping of a closed store: no error")
	}
	if _, err := p.fold(t.Context(), nil, p.take()); err == nil {
		t.Error("fold in a closed store: no error")
	}
	if _, err := s.Claim(t.Context(), 0, aLog, "owner"); err == nil {
		t.Error("claim in a closed store: no error")
	}
	if err := s.Snapshot(t.Context(), func(readmodel.Reader) error { return nil }); err == nil {
		t.Error("snapshot of a closed store: no error")
	}
}
