package sqlite

import (
	"database/sql"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // for migrations, which take a database/sql
)

// cacheSize, in KiB, is enough for the pages that a batch or a page of messages is
// about. More of it only grows: the operating system has the file too, and a reader's
// cache is emptied by each commit of others.
const cacheSize = "cache_size=-8192"

// source is a file and how it is opened.
type source struct {
	uri     string
	pragmas []string // what each connection sets for itself
}

// writing opens a file that is there: who may make one does so before. A connection that
// is opened late does not make a file again that was dropped meanwhile.
func writing(path string) source {
	return source{uri(path, "rw"), []string{
		"page_size=4096", // before the first table is made
		"journal_mode=WAL",
		"synchronous=NORMAL",
		"wal_autocheckpoint=48000",     // pages, where those beside the writer do not keep up
		"journal_size_limit=201326592", // what a long snapshot made the WAL grow to is given back
		cacheSize,
		"temp_store=MEMORY",
	}}
}

func reading(path string) source {
	return source{uri(path, "ro"), []string{cacheSize, "temp_store=MEMORY"}}
}

// uri names a file for SQLite that is there: ro or rw.
func uri(path, mode string) string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?mode=" + mode
}

// sql opens the file with database/sql.
func (s source) sql() (*sql.DB, error) {
	options := url.Values{"_pragma": append([]string{"busy_timeout=10000"}, s.pragmas...), "_txlock": {"immediate"}}
	return sql.Open("sqlite", s.uri+"&"+options.Encode())
}
