package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"

	"github.com/roomlog/roomlog/migrations"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/schema"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// attempts bounds how often a migration is tried: each failure of the race below
// means that the other program got one migration further.
const attempts = 10

// prepare brings the file to the schema that this program knows, or checks that
// it has it.
func (s *Store) prepare(ctx context.Context, logger *slog.Logger) error {
	if s.writer == nil {
		return s.readers.fits(ctx, migrations.SQLite())
	}
	return s.writer.migrate(ctx, migrations.SQLite(), logger)
}

// fits tells whether the file has the schema that this program knows.
func (p *pool) fits(ctx context.Context, files fs.FS) error {
	current, err := p.migration(ctx)
	if err != nil {
		return err
	}
	return schema.Fits(current, files)
}

// migration is the one that the file is at; zero: it has none.
func (p *pool) migration(ctx context.Context) (current int64, err error) {
	c, err := p.take(ctx)
	if err != nil {
		return 0, err
	}
	defer p.put(ctx, c)
	number := func(r tables.Row) error { return r.Scan(&current) }
	for _, sql := range []string{schema.SQLiteHasVersions, schema.Applied} {
		rows, err := c.Query(ctx, sql)
		if err == nil {
			err = tables.Each(rows, number)
		}
		if err != nil || current == 0 {
			return 0, err
		}
	}
	return current, nil
}

// migrate applies migrations. Where there are none to apply, a file is opened once
// and not a second time for goose. A connection of the pool stays open: the last
// one to go would take the WAL away, in which others are to read.
func (p *pool) migrate(ctx context.Context, files fs.FS, logger *slog.Logger) error {
	err := p.fits(ctx, files)
	if !errors.Is(err, readmodel.ErrOlderSchema) {
		return err
	}
	db, err := p.source.sql()
	if err != nil {
		return err
	}
	// Programs that start at the same time may try the same migration. Each is a
	// transaction, so one of them fails and finds it done when it looks again.
	for range attempts {
		err = schema.Apply(ctx, goose.DialectSQLite3, db, files, logger)
		if err == nil || errors.Is(err, readmodel.ErrNewerSchema) || ctx.Err() != nil {
			break
		}
	}
	return errors.Join(err, db.Close())
}
