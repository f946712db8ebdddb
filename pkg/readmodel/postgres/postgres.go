// Package postgres keeps a projection in a PostgreSQL schema: the store of the
// services apart. One version of the projection is one schema, roomlog_vN, in
// which everything lives, goose's table too; the connections' search_path is
// that schema and nothing else. Which version is live stands in schema
// roomlog_control: [Control] and [Live].
//
// A batch takes two round trips: begin, fence and prefetch go in one pipeline,
// rows and commit in another. Snapshots are REPEATABLE READ, READ ONLY.
//
// The pool talks to the server itself: a pooler in between must keep session
// settings and prepared statements.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

const (
	// DefaultMaxConns is the size of the pool where the config names none.
	DefaultMaxConns = 10
	// DefaultFoldTimeout is FoldTimeout where the config names none.
	DefaultFoldTimeout = 10 * time.Second
)

// planning are the settings that are off: see pool.
var planning = []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"}

// rollbackTimeout bounds the end of a transaction whose context has ended.
const rollbackTimeout = 2 * time.Second

// Config says which database to open, and how.
type Config struct {
	// URL as libpq takes it: postgres://user:password@host:port/database?…
	URL string
	// Version of the projection; zero is [readmodel.DefaultVersion].
	Version int
	// ReadOnly opens a schema that exists, without migrating it.
	ReadOnly bool
	// Existing opens a schema that exists, to write, and does not make one:
	// [readmodel.ErrNoProjection] where there is none.
	Existing bool
	// MaxConns is the size of the pool; zero is [DefaultMaxConns].
	MaxConns int
	// FoldTimeout is after how long the server ends the transaction of a Fold
	// whose program does not go on (frozen, or behind a dead network): until then
	// its lock keeps the partition from being claimed. Zero is
	// [DefaultFoldTimeout]. Before PostgreSQL 17 only time between statements counts.
	FoldTimeout time.Duration
	Logger      *slog.Logger
	// Tracer sees all statements; optional.
	Tracer pgx.QueryTracer
	// Fault, where it is set, is asked before each statement of Claim and Fold
	// ("begin", "claim", "fence", "headers", "rooms", "members", "priors",
	// "reactions", "write rooms", …, "commit") and after the commit ("committed"); an error
	// takes the statement's place. For tests of what stands on the store.
	Fault func(statement string) error
}

// Store is a projection in a schema. See [readmodel.Store].
type Store struct {
	pool     *pgxpool.Pool
	schema   string
	version  int
	settings []string // SET LOCAL statements of a batch
	// unlimited lifts the limit on a batch's time, where the server has one.
	unlimited string
	readOnly  bool
	fault     func(string) error
}

var _ readmodel.Store = (*Store)(nil)

// Open connects, and creates and migrates the schema where need be; several
// programs may do so at once. Errors: [readmodel.ErrNewerSchema]. None has the
// URL's password in it.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	version, err := cfg.version()
	if err != nil {
		return nil, fmt.Errorf("open the read model: %w", err)
	}
	schema := Schema(version)
	pool, err := cfg.pool(schema)
	if err != nil {
		return nil, fmt.Errorf("open the read model: %w", err)
	}
	p, err := pgxpool.NewWithConfig(ctx, pool)
	if err != nil {
		return nil, fmt.Errorf("open the read model: %w", err)
	}
	s := &Store{pool: p, schema: schema, version: version, readOnly: cfg.ReadOnly, fault: cfg.Fault}
	if err := s.prepare(ctx, &cfg, logger); err != nil {
		p.Close()
		return nil, fmt.Errorf("open the read model in schema %s: %w", schema, err)
	}
	return s, nil
}

// Schema is the schema that holds the projection.
func (s *Store) Schema() string { return s.schema }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.pool.Ping(ctx) }

// Snapshot reads one moment of the schema.
func (s *Store) Snapshot(ctx context.Context, read func(readmodel.Reader) error, _ ...readmodel.Ahead) error {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("begin a snapshot: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = tx.Rollback(ctx) // nothing was written; a connection in a bad state is not used again
	}()
	return gone(read(tables.NewReader(querier{tx: tx}, dialect, s.version)))
}

// Close waits for open snapshots and batches and closes the connections.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// Schema names the schema of a version of the projection.
func Schema(version int) string { return "roomlog_v" + strconv.Itoa(version) }

// querier runs the statements of package tables.
type querier struct {
	tx interface {
		Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
		SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	}
	// mark stands before each statement: see [Live].
	mark string
}

func (q querier) Query(ctx context.Context, sql string, args ...any) (tables.Rows, error) {
	return q.tx.Query(ctx, q.mark+sql, args...) //nolint:sqlclosecheck // the caller closes them
}

// Batch runs several in one round trip.
func (q querier) Batch(ctx context.Context, queries []tables.Query) error {
	var b pgx.Batch
	q.queue(&b, queries)
	return q.tx.SendBatch(ctx, &b).Close()
}

func (q querier) queue(b *pgx.Batch, queries []tables.Query) {
	for _, query := range queries {
		b.Queue(q.mark+query.SQL, query.Args...).Query(func(rows pgx.Rows) error {
			if err := tables.Each(rows, query.Row); err != nil {
				return fmt.Errorf("read %s: %w", query.What, err)
			}
			return nil
		})
	}
}

// gone marks what the server says of tables that are not there.
func gone(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) && !errors.Is(err, readmodel.ErrNoProjection) {
		switch e.Code {
		case "42P01", "3F000": // undefined table, invalid schema name
			return fmt.Errorf("%w: %w", readmodel.ErrNoProjection, err)
		}
	}
	return err
}

func (c *Config) version() (int, error) {
	switch {
	case c.Version < 0:
		return 0, fmt.Errorf("version %d of the projection", c.Version)
	case c.Version == 0:
		return readmodel.DefaultVersion, nil
	}
	return c.Version, nil
}

// pool is for connections whose search_path is the schema.
func (c *Config) pool(schema string) (*pgxpool.Config, error) {
	pool, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		// What the parser says may quote the URL.
		return nil, errors.New("the database URL is not of the form postgres://user:password@host:port/database?options")
	}
	pool.MaxConns = DefaultMaxConns
	if c.MaxConns > 0 {
		pool.MaxConns = int32(min(c.MaxConns, 1<<15))
	}
	pool.MinConns = min(pool.MinConns, pool.MaxConns)
	pool.ConnConfig.Tracer = c.Tracer
	if pool.ConnConfig.ConnectTimeout == 0 {
		pool.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	set := pool.ConnConfig.RuntimeParams
	set["search_path"] = schema
	if set["application_name"] == "" {
		set["application_name"] = "roomlog"
	}
	// Every statement here is meant to go by an index, row by row. A plan that
	// was made and kept while the tables were small must not scan them when they
	// are large, and compiling plans costs more than running them.
	for _, name := range planning {
		set[name] = "off"
	}
	if c.ReadOnly {
		set["default_transaction_read_only"] = "on"
	}
	return pool, nil
}
