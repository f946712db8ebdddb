package sqlite

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/roomlog/roomlog/pkg/readmodel"
)

// building gives a control and what is live, version 1, while version 2 is built.
func building(t *testing.T, cfg Config) (*Control, *Live) {
	t.Helper()
	c, err := OpenControl(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Build(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	s, err := OpenLive(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return c, s
}

// TestLiveClosesFiles shows that a version's file is closed when it is not live
// and the last snapshot of it ends, not before and not later.
func TestLiveClosesFiles(t *testing.T) {
	dir := t.TempDir()
	c, s := building(t, Config{Dir: dir})
	files := func(want ...int) {
		t.Helper()
		s.mu.Lock()
		defer s.mu.Unlock()
		if got := slices.Sorted(maps.Keys(s.open)); !slices.Equal(got, want) {
			t.Errorf("versions %v are open, not %v", got, want)
		}
	}
	ping := func() {
		t.Helper()
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
	ping()
	files(1)
	err := s.Snapshot(t.Context(), func(readmodel.Reader) error {
		if err := c.CutOver(t.Context(), 2, 1, nil); err != nil {
			return err
		}
		files(1)
		ping()
		files(1, 2)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	files(2)
	ping()
	files(2)
}

func TestReadOnlyControl(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Dir: dir, ReadOnly: true}
	if _, err := OpenControl(t.Context(), cfg); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing is there: got error %v", err)
	}
	if _, err := OpenLive(t.Context(), cfg); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing is there: got error %v", err)
	}
	if list, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(list) != 0 {
		t.Errorf("it has made %q, %v", list, err)
	}
	c, err := OpenControl(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil { // nobody else has the files open
		t.Fatal(err)
	}
	s, err := OpenLive(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Ping(t.Context()), s.Close()); err != nil {
		t.Error(err)
	}
	reading, err := OpenControl(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reading.Build(t.Context(), 1); !errors.Is(err, readmodel.ErrReadOnly) {
		t.Errorf("build: got error %v", err)
	}
	if err := reading.Close(); err != nil {
		t.Error(err)
	}
}
