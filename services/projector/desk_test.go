package projector_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector"
)

func (s *site) desk(store readmodel.Store) *projector.Desk {
	return &projector.Desk{
		Log: s.cfg, Layout: s.layout, Store: store, Topic: decisions.Spec(s.cfg, 0, 0), Operator: "olga", Now: time.Now,
	}
}

func await(t *testing.T, d *projector.Desk, pending []projector.Pending, err error) {
	t.Helper()
	if err != nil || len(pending) == 0 {
		t.Fatalf("%d decisions, error %v", len(pending), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := d.Await(ctx, pending...); err != nil {
		t.Fatal(err)
	}
}

// withNewer makes a room with an event of a version that no program knows yet.
func withNewer(t *testing.T, k events.RoomID) ([]events.Message, events.EventID) {
	t.Helper()
	r := roomtest.NewRoom(t, "alice", roomtest.ID(k))
	e := r.Post("alice", "of a newer version")
	for i := range 20 {
		r.Post("alice", fmt.Sprint("behind it ", i))
	}
	messages := roomtest.Messages(r.Records())
	for i, h := range messages[1].Headers {
		if h.Key == events.HeaderType {
			messages[1].Headers[i].Value = []byte("message.posted.v9")
		}
	}
	return messages, e.ID
}

func (s *site) append(t *testing.T, messages []events.Message) {
	t.Helper()
	p, err := eventlog.NewPublisher(s.cfg, s.layout)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if _, err := p.PublishBatch(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

// TestOperatorDecides blocks two rooms, releases one in vain and discards what
// blocks the other, with projectors running and after them.
func TestOperatorDecides(t *testing.T) {
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			s := newSite(t, p)
			store := s.open(t)
			s.publish(t, 1, 200)
			newer, first := withNewer(t, "newer")
			s.append(t, newer)
			other, second := withNewer(t, "other")
			s.append(t, other)
			_, stop := s.start(t, projector.Config{MaxBatch: 7})
			s.folded(t, store)
			d := s.desk(store)
			blocked, err := d.Blocked(t.Context(), 10)
			if err != nil || len(blocked) != 2 || blocked[0].ID != first || blocked[1].ID != second {
				t.Fatalf("blocked: %+v, error %v", blocked, err)
			}
			k := blocked[0].Key

			pending, err := d.Release(t.Context(), "", k)
			await(t, d, pending, err)
			letters, _, err := d.Parked(t.Context(), k, 100)
			if err != nil || len(letters) != 21 || letters[0].Code != room.CodeUnknownType {
				t.Fatalf("released in vain: %d records, error %v", len(letters), err)
			}
			if _, err := d.Discard(t.Context(), "why not", k, "unknown"); !errors.Is(err, projector.ErrNotParked) {
				t.Errorf("discard of an event that is not parked: %v", err)
			}
			pending, err = d.Discard(t.Context(), "nobody knows what it is", k, first)
			await(t, d, pending, err)
			if letters, _, err = d.Parked(t.Context(), k, 100); err != nil || len(letters) != 0 {
				t.Fatalf("after the discard: %d records, error %v", len(letters), err)
			}
			wantOutcome(t, store, k, first, room.CodeDiscarded)
			stop()

			// Nobody folds: the decision stands.
			k = blocked[1].Key
			pending, err = d.Discard(t.Context(), "nobody knows this one", k, second)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if err := d.Await(ctx, pending...); !errors.Is(err, projector.ErrNotCarriedOut) {
				t.Errorf("with no projector: %v", err)
			}
			if got, differences := s.verify(t, store); len(differences) > 0 {
				t.Errorf("before the second discard: %+v, differences: %+v", got, differences)
			}
			_, stop = s.start(t, projector.Config{})
			await(t, d, pending, nil)
			wantOutcome(t, store, k, second, room.CodeDiscarded)
			stop()
			if got, differences := s.verify(t, store); len(differences) > 0 {
				t.Errorf("%+v, differences: %+v", got, differences)
			}
		})
	}
}

func wantOutcome(t *testing.T, store readmodel.Store, k readmodel.Key, id events.EventID, code room.Code) {
	t.Helper()
	err := store.Snapshot(t.Context(), func(r readmodel.Reader) error {
		o, ok, err := r.Outcome(t.Context(), k, id)
		if !ok || o.Status != room.Rejected || o.Code != code || o.Sender != "alice" {
			t.Errorf("outcome of %s: %+v, %t", id, o, ok)
		}
		h, _, err2 := r.Room(t.Context(), k)
		if h.Seq != 21 {
			t.Errorf("room %s is at seq %d, want 21", k.Room, h.Seq)
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAcceptGapOfAReplacedLog has tables of a log that is gone. The new one is
// folded when the operator says so, partition by partition, and not before.
func TestAcceptGapOfAReplacedLog(t *testing.T) {
	lost := newSite(t, pairs[0])
	store := lost.open(t)
	lost.publish(t, 1, 300)
	_, stop := lost.start(t, projector.Config{})
	lost.folded(t, store)
	stop()

	s := newSite(t, pairs[0])
	s.database = lost.database
	s.publish(t, 1, 100) // the beginning is the same, the rest is not
	s.publish(t, 2, 100)
	service, stop := s.start(t, projector.Config{})
	defer stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(5 * time.Millisecond) {
		stopped := 0
		for _, st := range service.Partitions(1) {
			if st.Phase == "stopped" {
				stopped++
			}
		}
		if stopped == partitions {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d partitions have stopped", stopped)
		}
	}
	st := s.status(t)
	d := s.desk(store)
	for p := range events.Partition(partitions) {
		if !strings.Contains(st.Partitions[p].Gap, "folded from log") || !strings.Contains(st.Partitions[p].Advice, "accept-gap") {
			t.Errorf("status of partition %d: %+v", p, st.Partitions[p])
		}
		g, err := d.Gap(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if cp := checkpoint(t, store, p); cp.Log != lost.layout.Log || cp.Next != g.Next {
			t.Errorf("partition %d went on by itself: %+v", p, cp)
		}
		pending, err := d.AcceptGap(t.Context(), "the disk is gone", g)
		await(t, d, pending, err)
	}
	s.folded(t, store)
	for p := range events.Partition(partitions) {
		if _, err := d.Gap(t.Context(), p); !errors.Is(err, projector.ErrNoGap) {
			t.Errorf("partition %d after all: %v", p, err)
		}
	}
	stop()
	// Each event of the new log has been judged, once.
	blocked, err := d.Blocked(t.Context(), 10)
	if err != nil || len(blocked) > 0 {
		t.Errorf("blocked: %+v, error %v", blocked, err)
	}
}
