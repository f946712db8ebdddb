// Package schema brings a database to the schema that this program knows, with
// goose. It keeps no global state. Locking is the store's.
package schema

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"

	"github.com/roomlog/roomlog/pkg/readmodel"
)

// VersionTable is where goose keeps what was applied.
const VersionTable = "schema_migrations"

// Apply migrates db forward. [readmodel.ErrNewerSchema] where it is ahead.
func Apply(ctx context.Context, dialect goose.Dialect, db *sql.DB, files fs.FS, logger *slog.Logger) error {
	p, err := goose.NewProvider(dialect, db, files, goose.WithTableName(VersionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := notNewer(current, target); err != nil || current == target {
		return err
	}
	done, err := p.Up(ctx)
	for _, m := range done {
		logger.InfoContext(ctx, "migrated the read model", "migration", m.Source.Version, "took", m.Duration)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Applied is the query for the migration that a database is at, where it has [VersionTable].
const Applied = `SELECT COALESCE(MAX(version_id), 0) FROM ` + VersionTable + ` WHERE is_applied`

// Queries that tell whether [VersionTable] is there.
const (
	SQLiteHasVersions   = `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '` + VersionTable + `')`
	PostgresHasVersions = `SELECT to_regclass('` + VersionTable + `') IS NOT NULL`
)

// Check tells whether a database has the schema that this program knows,
// without writing: [readmodel.ErrNewerSchema] or [readmodel.ErrOlderSchema] where
// it has not.
// hasVersions is the query for its kind.
func Check(ctx context.Context, hasVersions string, db *sql.DB, files fs.FS) error {
	var there bool
	if err := db.QueryRowContext(ctx, hasVersions).Scan(&there); err != nil {
		return fmt.Errorf("check the schema: %w", err)
	}
	var current int64
	if there {
		if err := db.QueryRowContext(ctx, Applied).Scan(&current); err != nil {
			return fmt.Errorf("check the schema: %w", err)
		}
	}
	return Fits(current, files)
}

// Fits tells whether a database that is at a migration has the schema that this
// program knows, as [Check] does.
func Fits(current int64, files fs.FS) error {
	target, err := newest(files)
	if err != nil {
		return err
	}
	if err := notNewer(current, target); err != nil {
		return err
	}
	if current < target {
		return fmt.Errorf("%w: it is at migration %d, this program is at %d", readmodel.ErrOlderSchema, current, target)
	}
	return nil
}

func notNewer(current, target int64) error {
	if current > target {
		return fmt.Errorf("%w: it is at migration %d, this program knows up to %d; run the newer program", readmodel.ErrNewerSchema, current, target)
	}
	return nil
}

func newest(files fs.FS) (int64, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return 0, fmt.Errorf("list migrations: %w", err)
	}
	var last int64
	for _, name := range names {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return 0, fmt.Errorf("list migrations: %w", err)
		}
		last = max(last, v)
	}
	return last, nil
}
