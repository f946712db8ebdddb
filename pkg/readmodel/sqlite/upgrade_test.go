package sqlite_test

import (
	"database/sql"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

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
		makeTables(t, path, files)
		change(t, path, statements)
	}
	storetest.Upgrade(t, first, migrations.SQLite(), func() readmodel.Store { return open(t, sqlite.Config{Path: path}) })
}

// TestEventsGetPlaces has the tables of before there were any.
func TestEventsGetPlaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.db")
	rewrite := func() {
		if err := os.Rename(path, path+".today"); err != nil {
			t.Fatal(err)
		}
		makeTables(t, path, migrationsTo(t, 5))
		change(t, path, `ATTACH '`+path+`.today' AS today;`+copyEarlier(t, path))
	}
	storetest.Rewritten(t, func() readmodel.Store { return open(t, sqlite.Config{Path: path}) }, rewrite)
}

// makeTables makes the tables of migrations.
func makeTables(t *testing.T, path string, files fs.FS) {
	t.Helper()
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
}

// migrationsTo are the first so many.
func migrationsTo(t *testing.T, n int) fs.FS {
	t.Helper()
	all, err := fs.Glob(migrations.SQLite(), "*.sql") // in order
	files := fstest.MapFS{}
	for _, name := range all[:n] {
		var b []byte
		if err == nil {
			b, err = fs.ReadFile(migrations.SQLite(), name)
		}
		files[name] = &fstest.MapFile{Data: b}
	}
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// copyEarlier gives statements that fill the file's tables with those of today.
func copyEarlier(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), `SELECT m.name, group_concat(c.name, ', ') FROM sqlite_schema m, pragma_table_info(m.name) c
WHERE m.type = 'table' AND m.name <> '`+schema.VersionTable+`' AND m.name NOT LIKE 'sqlite%' GROUP BY m.name`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var statements strings.Builder
	for rows.Next() {
		var table, columns string
		if err := rows.Scan(&table, &columns); err != nil {
			t.Fatal(err)
		}
		from := "today." + table
		if table == "events" {
			from = "(SELECT r.tenant, r.room, e.* FROM today.events e JOIN today.rooms r ON r.number = e.number)"
		}
		statements.WriteString("INSERT INTO " + table + " (" + columns + ") SELECT " + columns + " FROM " + from + ";")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return statements.String()
}
