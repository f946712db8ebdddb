package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/roomlog/roomlog/migrations"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/schema"
)

// migrationLock is the advisory lock that programs take to migrate, one at a
// time in a database: "roomlog" in ASCII.
const migrationLock = 0x726f6f6d6c6f67

// serverWithTransactionTimeout is the first version that has it.
const serverWithTransactionTimeout = 170000

// prepare brings the schema to what this program knows, or checks that it is so.
func (s *Store) prepare(ctx context.Context, cfg *Config, logger *slog.Logger) error {
	db := stdlib.OpenDBFromPool(s.pool)
	if cfg.ReadOnly {
		return errors.Join(schema.Check(ctx, schema.PostgresHasVersions, db, migrations.Postgres()), db.Close())
	}
	return errors.Join(migrate(ctx, migration{
		pool: s.pool, schema: s.schema, existing: cfg.Existing,
		apply: func() error {
			return schema.Apply(ctx, goose.DialectPostgres, db, migrations.Postgres(), logger)
		},
		then: func(conn *pgx.Conn) error { return s.setUp(ctx, conn, cfg) },
	}), db.Close())
}

// migration is what is done to a schema, one program at a time.
type migration struct {
	pool     *pgxpool.Pool
	schema   string
	existing bool // the schema is not made
	apply    func() error
	then     func(*pgx.Conn) error // afterwards, under the lock; optional
}

func migrate(ctx context.Context, m migration) error {
	// The lock is held on a connection of its own, so that it cannot starve the
	// migration of one.
	conn, err := pgx.ConnectConfig(ctx, m.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	if err = m.run(ctx, conn); err == nil && m.then != nil {
		err = m.then(conn)
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	return errors.Join(err, conn.Close(closing)) // closing the connection releases the lock
}

func (m *migration) run(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return fmt.Errorf("lock for migration: %w", err)
	}
	// CREATE SCHEMA IF NOT EXISTS needs the right to create even where it exists.
	there, err := hasSchema(ctx, conn, m.schema)
	if err != nil {
		return err
	}
	if !there && m.existing {
		return fmt.Errorf("%w: no schema %s", readmodel.ErrNoProjection, m.schema)
	}
	if !there {
		if _, err := conn.Exec(ctx, `CREATE SCHEMA `+pgx.Identifier{m.schema}.Sanitize()); err != nil {
			return fmt.Errorf("create the schema: %w", err)
		}
	}
	return m.apply()
}

func hasSchema(ctx context.Context, q rowQuerier, name string) (there bool, err error) {
	if err := q.QueryRow(ctx, `SELECT to_regnamespace($1) IS NOT NULL`, name).Scan(&there); err != nil {
		return false, fmt.Errorf("look for schema %s: %w", name, err)
	}
	return there, nil
}

type rowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func (s *Store) setUp(ctx context.Context, conn *pgx.Conn, cfg *Config) error {
	limit := cfg.FoldTimeout
	if limit <= 0 {
		limit = DefaultFoldTimeout
	}
	names := []string{"idle_in_transaction_session_timeout"}
	var version int
	if err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int`).Scan(&version); err != nil {
		return fmt.Errorf("ask for the server's version: %w", err)
	}
	if version >= serverWithTransactionTimeout {
		names = append(names, "transaction_timeout")
		s.unlimited = "SET LOCAL transaction_timeout = 0"
	}
	// What a commit does not wait for on the disk may be lost when the server (not
	// the projector) dies: the last commits, whole ones, in order. The log has their
	// events, and folded again they get the same seqs. Claims and cut-overs wait.
	s.settings = append(s.settings, "SET LOCAL synchronous_commit = off")
	for _, name := range names {
		s.settings = append(s.settings, fmt.Sprintf("SET LOCAL %s = %d", name, limit.Milliseconds()))
	}
	return nil
}
