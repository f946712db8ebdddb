package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/postgres"
)

var theRoom = readmodel.Key{Tenant: "main", Room: "lobby"}

func oneRow() readmodel.Batch {
	return readmodel.Batch{Headers: []*room.Header{{Tenant: theRoom.Tenant, Room: theRoom.Room, Seq: 1}}}
}

// rooms counts the rooms that are there.
func rooms(t *testing.T, s readmodel.Store) (n int) {
	t.Helper()
	err := s.Snapshot(t.Context(), func(r readmodel.Reader) error {
		_, ok, err := r.Room(t.Context(), theRoom)
		if ok {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFrozenOwner stops an owner in the middle of a batch, holding the lock of
// the checkpoint's row. The server ends its transaction, so that another can
// claim the partition, and the first one's batch comes to nothing.
func TestFrozenOwner(t *testing.T) {
	database := clustertest.Postgres(t)
	frozen := open(t, postgres.Config{URL: database, FoldTimeout: 300 * time.Millisecond})
	other := open(t, postgres.Config{URL: database})
	c, err := frozen.Claim(t.Context(), 0, events.LogID{1}, "frozen")
	if err != nil {
		t.Fatal(err)
	}
	var claimed readmodel.Checkpoint
	err = frozen.Fold(t.Context(), readmodel.Fence{Epoch: c.Epoch, Next: 1}, nil, func(readmodel.Rows) (readmodel.Batch, error) {
		var err error
		if claimed, err = other.Claim(t.Context(), 0, events.LogID{1}, "other"); err != nil { // waits for the lock
			t.Error("claim:", err)
		}
		return oneRow(), nil
	})
	if err == nil || errors.Is(err, readmodel.ErrRowRefused) {
		t.Errorf("the frozen owner's batch: got error %v", err)
	}
	if claimed.Epoch != c.Epoch+1 || claimed.Next != 0 {
		t.Errorf("the other owner's claim: %+v", claimed)
	}
	if n := rooms(t, other); n != 0 {
		t.Errorf("the frozen owner wrote %d rooms", n)
	}
	err = frozen.Fold(t.Context(), readmodel.Fence{Epoch: c.Epoch, Next: 1}, nil, func(readmodel.Rows) (readmodel.Batch, error) { return oneRow(), nil })
	if !errors.Is(err, readmodel.ErrFenced) {
		t.Errorf("its next batch: got error %v", err)
	}
}

// TestServerEndsConnections shows that a store outlives its connections, and
// that losing them is no fault of a row.
func TestServerEndsConnections(t *testing.T) {
	database := clustertest.Postgres(t)
	s := open(t, postgres.Config{URL: database})
	end := func() {
		query(t, database, `SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`)
	}
	c, err := s.Claim(t.Context(), 0, events.LogID{1}, "owner")
	if err != nil {
		t.Fatal(err)
	}
	fence := readmodel.Fence{Epoch: c.Epoch, Next: 1}
	err = s.Fold(t.Context(), fence, nil, func(readmodel.Rows) (readmodel.Batch, error) {
		end()
		return oneRow(), nil
	})
	if err == nil || errors.Is(err, readmodel.ErrRowRefused) || errors.Is(err, readmodel.ErrFenced) {
		t.Errorf("a batch whose connection ends: got error %v", err)
	}
	if n := rooms(t, s); n != 0 {
		t.Errorf("it wrote %d rooms", n)
	}
	if err := s.Fold(t.Context(), fence, nil, func(readmodel.Rows) (readmodel.Batch, error) { return oneRow(), nil }); err != nil {
		t.Error("the same batch again:", err)
	}
	if n := rooms(t, s); n != 1 {
		t.Errorf("the same batch again wrote %d rooms", n)
	}
}
