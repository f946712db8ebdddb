package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/postgres"
	"github.com/roomlog/roomlog/pkg/readmodel/storetest"
)

// TestOneConnectionReadsVersionsInTurn prepares each statement with one version
// and runs it with another, whose tables have another shape, on one connection.
func TestOneConnectionReadsVersionsInTurn(t *testing.T) {
	database := clustertest.Postgres(t)
	c := storetest.Opened(t, postgres.OpenControl, postgres.Config{URL: database})
	if _, err := c.Build(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for v := range 2 {
		s := open(t, postgres.Config{URL: database, Version: v + 1})
		claim, err := s.Claim(t.Context(), 0, events.LogID{1}, "owner")
		if err != nil {
			t.Fatal(err)
		}
		err = s.Fold(t.Context(), readmodel.Fence{Epoch: claim.Epoch, Next: 1}, nil, func(readmodel.Rows) (readmodel.Batch, error) {
			h := room.Header{Tenant: theRoom.Tenant, Room: theRoom.Room, Seq: 1, Digest: "d", Members: int64(v + 1)}
			return readmodel.Batch{Headers: []*room.Header{&h}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	query(t, database, `ALTER TABLE roomlog_v2.rooms ALTER COLUMN members TYPE INTEGER, ALTER COLUMN kind TYPE VARCHAR(8)`)

	live := storetest.Opened(t, postgres.OpenLive, postgres.Config{URL: database, MaxConns: 1})
	for n := range 6 {
		want := 1 + n%2
		if err := c.CutOver(t.Context(), want, int64(n), nil); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			err := live.Snapshot(t.Context(), func(r readmodel.Reader) error {
				row, _, err := r.Room(t.Context(), theRoom)
				if r.Projection() != want || row.Members != int64(want) {
					t.Errorf("version %d is live; version %d is read, with the row of version %d", want, r.Projection(), row.Members)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// trips counts what goes to the server.
type trips struct {
	mu sync.Mutex
	n  int
}

func (t *trips) count(ctx context.Context) context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
	return ctx
}

func (t *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return t.count(ctx)
}
func (t *trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (t *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return t.count(ctx)
}
func (t *trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (t *trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}
func (t *trips) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	return t.count(ctx)
}
func (t *trips) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}

// TestLiveCostsNoRoundTrip counts those of a read of one version and of the live
// one: begin, the read, rollback.
func TestLiveCostsNoRoundTrip(t *testing.T) {
	database := clustertest.Postgres(t)
	seen := &trips{}
	cfg := postgres.Config{URL: database, MaxConns: 1, Tracer: seen}
	for name, s := range map[string]readmodel.Store{"one version": open(t, cfg), "live": storetest.Opened(t, postgres.OpenLive, cfg)} {
		read := func() {
			err := s.Snapshot(t.Context(), func(r readmodel.Reader) error {
				_, _, err := r.Room(t.Context(), theRoom)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		read() // prepares
		seen.n = 0
		read()
		if seen.n != 3 {
			t.Errorf("%s: %d round trips", name, seen.n)
		}
	}
}

// TestNewerLiveVersion has the live version migrated by a newer program.
func TestNewerLiveVersion(t *testing.T) {
	database := clustertest.Postgres(t)
	live := storetest.Opened(t, postgres.OpenLive, postgres.Config{URL: database})
	c := storetest.Opened(t, postgres.OpenControl, postgres.Config{URL: database})
	if _, err := c.Build(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	query(t, database, `INSERT INTO roomlog_v2.schema_migrations (version_id, is_applied) VALUES (999, true)`)
	if err := live.Ping(t.Context()); err != nil {
		t.Error("version 1:", err)
	}
	if err := c.CutOver(t.Context(), 2, 2, nil); err != nil {
		t.Fatal(err)
	}
	if err := live.Ping(t.Context()); !errors.Is(err, readmodel.ErrNewerSchema) {
		t.Errorf("version 2: got error %v", err)
	}
}

func TestLiveReadOnly(t *testing.T) {
	database := clustertest.Postgres(t)
	cfg := postgres.Config{URL: database, ReadOnly: true}
	if _, err := postgres.OpenLive(t.Context(), cfg); !errors.Is(err, readmodel.ErrOlderSchema) {
		t.Errorf("nothing is there: got error %v", err)
	}
	storetest.Opened(t, postgres.OpenControl, postgres.Config{URL: database})
	if err := storetest.Opened(t, postgres.OpenLive, cfg).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	c := storetest.Opened(t, postgres.OpenControl, cfg)
	if _, err := c.Build(t.Context(), 1); !errors.Is(err, readmodel.ErrReadOnly) {
		t.Errorf("build: got error %v", err)
	}
	if err := c.Drop(t.Context(), 1); !errors.Is(err, readmodel.ErrReadOnly) {
		t.Errorf("drop: got error %v", err)
	}
}
