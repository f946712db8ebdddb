package postgres_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/postgres"
	"github.com/roomlog/roomlog/pkg/readmodel/storetest"
)

// TestReadMeetsDrop holds a read between the moment that it sees and its lock on the version that
// was live then. Meanwhile another version goes live, and that one is dropped: the read
// is of the other. The connection has read the dropped version before, so the server still has
// its tables in that connection's cache.
func TestReadMeetsDrop(t *testing.T) {
	database := clustertest.Postgres(t)
	live := storetest.Opened(t, postgres.OpenLive, postgres.Config{URL: database, MaxConns: 1})
	c := storetest.Opened(t, postgres.OpenControl, postgres.Config{URL: database})
	for name, ahead := range map[string][]readmodel.Ahead{"by itself": nil, "read ahead": {{Key: theRoom, User: "ann"}}} {
		t.Run(name, func(t *testing.T) {
			next, err := c.Build(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			before := next.Version - 1
			for range 8 {
				if got, err := readRoom(t.Context(), live, ahead); err != nil || got != before {
					t.Fatalf("version %d is read, %d is live: %v", got, before, err)
				}
			}
			drop := beginDrop(t, database, before)
			read := make(chan error, 1)
			var got int
			go func() {
				var err error
				got, err = readRoom(t.Context(), live, ahead)
				read <- err
			}()
			drop.awaitReader(t)
			if err := c.CutOver(t.Context(), next.Version, 2, nil); err != nil {
				t.Fatal(err)
			}
			drop.end(t)
			if err := <-read; err != nil || got != next.Version {
				t.Errorf("version %d is read, %d is live: %v", got, next.Version, err)
			}
		})
	}
}

func readRoom(ctx context.Context, live readmodel.Store, ahead []readmodel.Ahead) (version int, err error) {
	err = live.Snapshot(ctx, func(r readmodel.Reader) error {
		version = r.Projection()
		_, _, err := r.Room(ctx, theRoom)
		return err
	}, ahead...)
	return version, err
}

// heldDrop is a drop of a version in two halves: first its lock, then the rest.
// [postgres.Control] would refuse to lock a version that is live.
type heldDrop struct {
	conn    *pgx.Conn
	version string
}

func beginDrop(t *testing.T, database string, version int) heldDrop {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	d := heldDrop{conn, strconv.Itoa(version)}
	d.exec(t, `BEGIN`)
	d.exec(t, `SELECT pg_advisory_xact_lock(x'726f6f6d'::int, `+d.version+`)`)
	return d
}

// awaitReader waits until a read waits for the lock.
func (d heldDrop) awaitReader(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		var waits bool
		err := d.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
	AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
		if waits {
			return
		}
		<-time.After(time.Millisecond)
	}
}

func (d heldDrop) end(t *testing.T) {
	t.Helper()
	d.exec(t, `DELETE FROM roomlog_control.projections WHERE version = `+d.version)
	d.exec(t, `DROP SCHEMA roomlog_v`+d.version+` CASCADE`)
	d.exec(t, `COMMIT`)
}

func (d heldDrop) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := d.conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
