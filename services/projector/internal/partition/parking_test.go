package partition_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// TestParking shows that what cannot be judged parks its room and no other, and
// that what is no event is set aside.
func TestParking(t *testing.T) {
	poisoned := roomtest.NewRoom(t, "alice", roomtest.ID("poisoned"))
	poison := poisoned.Post("alice", "panic")
	poisoned.Post("alice", "waits behind it")
	newer := roomtest.NewRoom(t, "alice", roomtest.ID("newer"))
	newer.Post("alice", "of a newer version")
	healthy := roomtest.NewRoom(t, "alice", roomtest.ID("healthy"))
	healthy.Post("alice", "one")

	l := newLog(poisoned.Records()...)
	l.append(roomtest.Record{Message: events.Message{Key: []byte("main/healthy"), Value: []byte("garbage")}, LogTime: roomtest.Epoch})
	for i, r := range newer.Records() {
		if i == 1 {
			r.Message.Headers = slices.Clone(r.Message.Headers)
			for j, h := range r.Message.Headers {
				if h.Key == events.HeaderType {
					r.Message.Headers[j].Value = []byte("message.posted.v9")
				}
			}
		}
		l.append(r)
	}
	for _, r := range healthy.Records() {
		l.append(r)
	}

	store := openStore(t)
	c := config(store)
	c.Judge = func(v *room.View, e *events.Event, at time.Time) (room.Changes, room.Verdict) {
		if e.ID == poison.ID {
			panic("poison")
		}
		return room.Apply(v, e, at)
	}
	catchUp(t, c, l, 1)

	err := store.Snapshot(t.Context(), func(r readmodel.Reader) error {
		for id, want := range map[events.RoomID]struct {
			seq  events.Seq
			code room.Code
		}{"poisoned": {1, room.CodePanic}, "newer": {1, room.CodeUnknownType}, "healthy": {2, ""}} {
			k := readmodel.Key{Tenant: events.DefaultTenant, Room: id}
			got, ok, err := r.Room(t.Context(), k)
			if err != nil || !ok || got.Seq != want.seq {
				t.Errorf("room %s: seq %d (%t, %v), want %d", id, got.Seq, ok, err, want.seq)
			}
			d, blocked, err := r.Blocked(t.Context(), k)
			if err != nil || blocked != (want.code != "") || d.Code != want.code {
				t.Errorf("room %s: blocked %t with %q (%v), want %q", id, blocked, d.Code, err, want.code)
			}
		}
		counts, err := r.Counts(t.Context())
		if want := (readmodel.Counts{BadRecords: 1, DeadLetters: 3, BlockedRooms: 2}); counts[0] != want {
			t.Errorf("counts %+v, want %+v", counts[0], want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRecordInAnotherPartition has a record that stands where its key does not
// belong: it is set aside, whatever else it says.
func TestRecordInAnotherPartition(t *testing.T) {
	id := events.RoomID("a")
	for eventlog.PartitionOf(events.Key("main", id), 2) != 1 {
		id += "a"
	}
	r := roomtest.NewRoom(t, "alice", roomtest.ID(id))
	r.Post("alice", "one")
	l, store := newLog(r.Records()...), openStore(t)
	c := config(store)
	c.Layout.Partitions = 2
	catchUp(t, c, l, 1) // as partition 0
	err := store.Snapshot(t.Context(), func(r readmodel.Reader) error {
		counts, err := r.Counts(t.Context())
		_, exists, err2 := r.Room(t.Context(), readmodel.Key{Tenant: events.DefaultTenant, Room: id})
		if counts[0].BadRecords != 2 || exists {
			t.Errorf("counts %+v, the room exists: %t", counts[0], exists)
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRefusedRowParksItsRoomOnly has a database that refuses one event's row.
func TestRefusedRowParksItsRoomOnly(t *testing.T) {
	bad := roomtest.NewRoom(t, "alice", roomtest.ID("bad"))
	refused := bad.Post("alice", "refused")
	bad.Post("alice", "behind")
	good := roomtest.NewRoom(t, "alice", roomtest.ID("good"))
	good.Post("alice", "fine")
	l := newLog(slices.Concat(bad.Records(), good.Records())...)

	store := &refusing{Store: openStore(t), id: refused.ID}
	catchUp(t, config(store), l, 1)
	if store.alone < 2 {
		t.Errorf("the row was tried alone %d times before its room was parked, want 2", store.alone)
	}
	err := store.Snapshot(t.Context(), func(r readmodel.Reader) error {
		d, blocked, err := r.Blocked(t.Context(), readmodel.Key{Tenant: events.DefaultTenant, Room: "bad"})
		if !blocked || d.Code != room.CodeUnstorable || d.ID != refused.ID {
			t.Errorf("blocked %t by %+v", blocked, d)
		}
		got, _, err2 := r.Room(t.Context(), readmodel.Key{Tenant: events.DefaultTenant, Room: "good"})
		if got.Seq != 2 {
			t.Errorf("the other room is at seq %d, want 2", got.Seq)
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
}

type refusing struct {
	readmodel.Store
	id    events.EventID
	alone int
}

func (r *refusing) Fold(ctx context.Context, fence readmodel.Fence, needs readmodel.Needs, fn func(readmodel.Rows) (readmodel.Batch, error)) error {
	return r.Store.Fold(ctx, fence, needs, func(rows readmodel.Rows) (readmodel.Batch, error) {
		b, err := fn(rows)
		for _, e := range b.Events {
			if e.ID == r.id {
				if len(b.Events) == 1 {
					r.alone++
				}
				return b, readmodel.ErrRowRefused
			}
		}
		return b, err
	})
}
