package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"

	"github.com/roomlog/roomlog/migrations"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/schema"
)

// attempts bounds how often a migration is tried: each failure of the race below
// means that the other program got one migration further.
const attempts = 10

// prepare brings the file to the schema that this program knows, or checks that
// it has it.
func (s *Store) prepare(ctx context.Context, logger *slog.Logger) error {
	if s.writer == nil {
		return schema.Check(ctx, schema.SQLiteHasVersions, s.readers.db, migrations.SQLite())
	}
	return migrate(ctx, s.writer.db, migrations.SQLite(), logger)
}

// migrate applies migrations.
func migrate(ctx context.Context, db *sql.DB, files fs.FS, logger *slog.Logger) error {
	// Programs that start at the same time may try the same migration. Each is a
	// transaction, so one of them fails and finds it done when it looks again.
	var err error
	for range attempts {
		err = schema.Apply(ctx, goose.DialectSQLite3, db, files, logger)
		if err == nil || errors.Is(err, readmodel.ErrNewerSchema) || ctx.Err() != nil {
			break
		}
	}
	return err
}
