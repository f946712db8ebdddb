package sqlite_test

import (
	"database/sql"
	"io/fs"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/roomlog/roomlog/migrations"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/schema"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
	"github.com/roomlog/roomlog/pkg/readmodel/storetest"
)

func TestUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.db")
	first := func(files fs.FS, statements string) {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Apply(t.Context(), goose.DialectSQLite3, db, files, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		change(t, path, statements)
	}
	storetest.Upgrade(t, first, migrations.SQLite(), func() readmodel.Store { return open(t, sqlite.Config{Path: path}) })
}
