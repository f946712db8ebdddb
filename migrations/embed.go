// Package migrations holds the schema of the read model, as goose migrations:
// one set for each kind of store, the same tables in both but for what finds an event,
// and another for the control of its versions. The stores apply them when they open. Migrations only
// go forward and are never edited once released.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed postgres/*.sql sqlite/*.sql control/postgres/*.sql control/sqlite/*.sql
var files embed.FS

// Postgres has the migrations for PostgreSQL. They name no schema: they run
// with the search_path of the projection's.
func Postgres() fs.FS { return sub("postgres") }

// SQLite has the migrations for SQLite.
func SQLite() fs.FS { return sub("sqlite") }

// PostgresControl has the migrations of the control for PostgreSQL. They name no
// schema either.
func PostgresControl() fs.FS { return sub("control/postgres") }

// SQLiteControl has the migrations of the control for SQLite.
func SQLiteControl() fs.FS { return sub("control/sqlite") }

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return f
}
