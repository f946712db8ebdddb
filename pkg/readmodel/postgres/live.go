package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roomlog/roomlog/migrations"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/schema"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// readLock is the class of the advisory locks that snapshots hold on the version
// that they read, so that it is not dropped meanwhile: "room" in ASCII.
const readLock = 0x726f6f6d

// snapshotAttempts bounds how often a snapshot begins anew because the version
// that it found live was dropped in the same moment.
const snapshotAttempts = 5

// Live reads the version that is live, whichever that is: each snapshot finds out
// in its own transaction, in the round trip that begins it. It does not write.
//
// One connection reads one version after another, so the statements that it has
// prepared are kept apart by a comment with the version's schema.
type Live struct {
	pool *pgxpool.Pool

	mu    sync.Mutex
	known map[int]bool // versions that have the schema that this program knows
	last  int          // the version that was live when it was asked last
}

var _ readmodel.Store = (*Live)(nil)

// OpenLive connects. Unless the config says ReadOnly, it makes what [OpenControl]
// makes, and migrates the live version. The config's Version does not count.
func OpenLive(ctx context.Context, cfg Config) (*Live, error) {
	c, err := OpenControl(ctx, cfg)
	if err != nil {
		return nil, err
	}
	live, err := tables.LiveVersion(ctx, querier{tx: c.pool})
	if err == nil && !cfg.ReadOnly {
		err = c.tables(ctx, live)
	}
	if err = errors.Join(err, c.Close()); err != nil {
		return nil, fmt.Errorf("open the live read model: %w", err)
	}
	cfg.ReadOnly = true
	pool, err := cfg.pool(controlSchema)
	if err != nil {
		return nil, fmt.Errorf("open the live read model: %w", err)
	}
	s := &Live{known: map[int]bool{}}
	if s.pool, err = pgxpool.NewWithConfig(ctx, pool); err != nil {
		return nil, fmt.Errorf("open the live read model: %w", err)
	}
	if err := s.Ping(ctx); err != nil {
		s.pool.Close()
		return nil, fmt.Errorf("open the live read model: %w", err)
	}
	return s, nil
}

// Claim fails: what is live is for reading.
func (s *Live) Claim(context.Context, events.Partition, events.LogID, string) (readmodel.Checkpoint, error) {
	return readmodel.Checkpoint{}, readmodel.ErrReadOnly
}

// Fold fails like Claim.
func (s *Live) Fold(context.Context, readmodel.Fence, readmodel.Needs, func(readmodel.Rows) (readmodel.Batch, error)) error {
	return readmodel.ErrReadOnly
}

// Snapshot reads one moment of the version that is live in that moment.
func (s *Live) Snapshot(ctx context.Context, read func(readmodel.Reader) error, ahead ...readmodel.Ahead) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("begin a snapshot: %w", err)
	}
	defer release(ctx, conn) // rolls back: nothing was written
	var first *tables.Ahead
	if len(ahead) > 0 {
		first = &tables.Ahead{Ahead: ahead[0]}
	}
	version, done, err := s.beginAhead(ctx, conn, first)
	if err == nil && !done {
		version, err = s.begin(ctx, conn)
	}
	if err != nil {
		return fmt.Errorf("begin a snapshot: %w", err)
	}
	q := of(conn, version)
	if err := s.check(ctx, q, version); err != nil {
		return fmt.Errorf("version %d of the projection: %w", version, err)
	}
	if first != nil && !done {
		if err := q.Batch(ctx, first.Queries(dialect)); err != nil {
			return gone(err)
		}
		prepared(conn)[aheadPrepared] = version
	}
	return gone(read(tables.NewReader(q, dialect, version).With(first)))
}

// of runs the statements of a version.
func of(conn *pgxpool.Conn, version int) querier {
	return querier{tx: conn, mark: "/* " + Schema(version) + " */ "}
}

// aheadPrepared is what a connection keeps: the version for which it has prepared what
// is read ahead. Before a transaction has the version's search_path that cannot be done.
const aheadPrepared = "roomlog: ahead"

func prepared(conn *pgxpool.Conn) map[string]any { return conn.Conn().PgConn().CustomData() }

// beginAhead is begin with what is read ahead in the same round trip, of the version
// that was live when it was asked last. It has not done so where another one is, or
// this connection has not yet read it; a statement that fails may be of that, too: it
// is found out again, without a guess.
func (s *Live) beginAhead(ctx context.Context, conn *pgxpool.Conn, first *tables.Ahead) (version int, done bool, err error) {
	s.mu.Lock()
	guess := s.last
	s.mu.Unlock()
	if first == nil || prepared(conn)[aheadPrepared] != guess {
		return 0, false, nil
	}
	var b pgx.Batch
	queueBegin(&b, &version)
	of(conn, guess).queue(&b, first.Queries(dialect))
	err = conn.SendBatch(ctx, &b).Close()
	switch {
	case err == nil && version == guess:
		return version, true, nil
	case conn.Conn().IsClosed():
		return 0, false, err
	}
	delete(prepared(conn), aheadPrepared)
	if conn.Conn().PgConn().TxStatus() != idle {
		_, err = conn.Exec(ctx, "ROLLBACK")
		return 0, false, err
	}
	return 0, false, nil
}

// queueBegin begins a transaction with the search_path of the live version. Where that
// was dropped since the moment that the transaction sees, the last statement fails.
func queueBegin(b *pgx.Batch, version *int) {
	b.Queue(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
	b.Queue(`SELECT version, set_config('search_path', 'roomlog_v' || version, true), pg_advisory_xact_lock_shared(` + strconv.Itoa(readLock) + `, version)::text
FROM roomlog_control.projections WHERE state = 'live'`).QueryRow(func(r pgx.Row) error {
		return r.Scan(version, nil, nil)
	})
	// Whether the tables are there. To lock one makes the server look it up in the catalog of
	// now; what only names it (to_regclass) may answer from the connection's cache, which
	// still has a table that was dropped while the lock above was waited for. Under that
	// lock it stays as it is.
	b.Queue(`LOCK TABLE checkpoints IN ACCESS SHARE MODE`)
}

// begin begins a transaction on the live version.
func (s *Live) begin(ctx context.Context, conn *pgxpool.Conn) (version int, err error) {
	for range snapshotAttempts {
		version = 0
		var b pgx.Batch
		queueBegin(&b, &version)
		err = gone(conn.SendBatch(ctx, &b).Close())
		if err == nil {
			s.mu.Lock()
			s.last = version
			s.mu.Unlock()
			return version, nil
		}
		if version == 0 || !errors.Is(err, readmodel.ErrNoProjection) {
			return 0, err
		}
		if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("version %d is live and has no tables: %w", version, err)
}

// check looks, once for each version, whether its tables are those that this
// program knows.
func (s *Live) check(ctx context.Context, q querier, version int) error {
	s.mu.Lock()
	known := s.known[version]
	s.mu.Unlock()
	if known {
		return nil
	}
	at, err := tables.Migration(ctx, q, schema.VersionTable)
	if err == nil {
		err = schema.Fits(at, migrations.Postgres())
	}
	if err != nil {
		return gone(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[version] = true
	return nil
}

// Ping reports whether the live version can be read.
func (s *Live) Ping(ctx context.Context) error {
	return s.Snapshot(ctx, func(readmodel.Reader) error { return nil })
}

// Close waits for open snapshots and closes the connections.
func (s *Live) Close() error {
	s.pool.Close()
	return nil
}
