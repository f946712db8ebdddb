package sqlite_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
)

func TestOpenTogether(t *testing.T) {
	dir := t.TempDir()
	var opening sync.WaitGroup
	for range 6 {
		opening.Go(func() { open(t, sqlite.Config{Dir: dir}) })
	}
	opening.Wait()
}

func TestVersionsSideBySide(t *testing.T) {
	dir := t.TempDir()
	one, two := open(t, sqlite.Config{Dir: dir}), open(t, sqlite.Config{Dir: dir, Version: 2})
	if one.Path() != filepath.Join(dir, "readmodel-v1.db") || two.Path() != filepath.Join(dir, "readmodel-v2.db") {
		t.Errorf("the files are %s and %s", one.Path(), two.Path())
	}
	for range 3 {
		if _, err := one.Claim(t.Context(), 0, events.LogID{1}, "one"); err != nil {
			t.Fatal(err)
		}
	}
	c, err := two.Claim(t.Context(), 0, events.LogID{1}, "two")
	if err != nil || c.Epoch != 1 {
		t.Errorf("claim in version 2: %+v, %v", c, err)
	}
	info, err := os.Stat(one.Path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode: %v, %v", info.Mode(), err)
	}
}

func TestSchemaOfAnotherProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.db")
	open(t, sqlite.Config{Path: path})
	change(t, path, `INSERT INTO schema_migrations (version_id, is_applied) VALUES (999, 1)`)
	for _, readOnly := range []bool{false, true} {
		_, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, ReadOnly: readOnly})
		if !errors.Is(err, readmodel.ErrNewerSchema) {
			t.Errorf("newer schema, read only %v: got error %v", readOnly, err)
		}
	}
	change(t, path, `DELETE FROM schema_migrations WHERE version_id > 0`)
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, ReadOnly: true}); !errors.Is(err, readmodel.ErrOlderSchema) {
		t.Errorf("older schema: got error %v", err)
	}
	empty := filepath.Join(t.TempDir(), "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Path: empty, ReadOnly: true}); !errors.Is(err, readmodel.ErrOlderSchema) {
		t.Errorf("no schema: got error %v", err)
	}
}

func TestAnyPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a ?mode=memory&#%41 é.db")
	open(t, sqlite.Config{Path: path})
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	open(t, sqlite.Config{Path: path, ReadOnly: true})
}

func TestCannotOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("no database, but long enough to have the header of one: it is read, and refused"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		cfg  sqlite.Config
		want error
	}{
		{"nothing to read", sqlite.Config{Dir: t.TempDir(), ReadOnly: true}, fs.ErrNotExist},
		{"a file in the directory's place", sqlite.Config{Dir: file}, nil},
		{"not a database", sqlite.Config{Path: file}, nil},
		{"no directory", sqlite.Config{}, nil},
		{"no version", sqlite.Config{Dir: t.TempDir(), Version: -1}, nil},
	} {
		s, err := sqlite.Open(t.Context(), test.cfg)
		if err == nil {
			t.Errorf("%s: opened %s", test.name, s.Path())
		}
		if test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: got error %v", test.name, err)
		}
	}
}

func TestReadOnlyDoesNotWrite(t *testing.T) {
	dir := t.TempDir()
	open(t, sqlite.Config{Dir: dir})
	s := open(t, sqlite.Config{Dir: dir, ReadOnly: true})
	if _, err := s.Claim(t.Context(), 0, events.LogID{1}, "reader"); !errors.Is(err, readmodel.ErrReadOnly) {
		t.Errorf("claim: got error %v", err)
	}
	err := s.Fold(t.Context(), readmodel.Fence{}, nil, func(readmodel.Rows) (readmodel.Batch, error) { return readmodel.Batch{}, nil })
	if !errors.Is(err, readmodel.ErrReadOnly) {
		t.Errorf("fold: got error %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error("ping:", err)
	}
}

// change runs a statement on the file.
func change(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = db.ExecContext(t.Context(), statement)
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}
