package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/roomlog/roomlog/migrations"
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
	// The lock is held on a connection of its own, so that it cannot starve the
	// migration of one.
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	err = s.migrate(ctx, conn, func() error {
		return schema.Apply(ctx, goose.DialectPostgres, db, migrations.Postgres(), logger)
	})
	if err == nil {
		err = s.setLimits(ctx, conn, cfg)
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	return errors.Join(err, conn.Close(closing), db.Close()) // closing the connection releases the lock
}

func (s *Store) migrate(ctx context.Context, conn *pgx.Conn, apply func() error) error {
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return fmt.Errorf("lock for migration: %w", err)
	}
	// CREATE SCHEMA IF NOT EXISTS needs the right to create even where it exists.
	var there bool
	if err := conn.QueryRow(ctx, `SELECT to_regnamespace($1) IS NOT NULL`, s.schema).Scan(&there); err != nil {
		return fmt.Errorf("look for the schema: %w", err)
	}
	if !there {
		if _, err := conn.Exec(ctx, `CREATE SCHEMA `+pgx.Identifier{s.schema}.Sanitize()); err != nil {
			return fmt.Errorf("create the schema: %w", err)
		}
	}
	return apply()
}

func (s *Store) setLimits(ctx context.Context, conn *pgx.Conn, cfg *Config) error {
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
	}
	for _, name := range names {
		s.limits = append(s.limits, fmt.Sprintf("SET LOCAL %s = %d", name, limit.Milliseconds()))
	}
	return nil
}
