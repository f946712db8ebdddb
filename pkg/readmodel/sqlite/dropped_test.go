package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/roomlog/roomlog/pkg/readmodel"
)

// TestReadMeetsDrop has a read of the version that was live when it was asked last. Meanwhile
// another one went live and that one was dropped: the read is of the other, however far the
// read had come with the file.
func TestReadMeetsDrop(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, s *Live){
		"a connection that has read nothing": func(t *testing.T, s *Live) {
			readers := s.open[1].store.readers
			forget(t, readers)
			c, err := connect(t.Context(), readers.source)
			if err != nil {
				t.Fatal(err)
			}
			<-readers.free
			readers.free <- c
		},
		"no connection": func(t *testing.T, s *Live) { forget(t, s.open[1].store.readers) },
		"no file": func(t *testing.T, s *Live) {
			closeFile(t, s)
		},
		// As when it goes in the middle of its opening: SQLite's error, not the system's.
		"a file that cannot be opened": func(t *testing.T, s *Live) {
			closeFile(t, s)
			path := versionPath(s.cfg.Dir, 1)
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { readMeetsDrop(t, before) })
	}
}

func readMeetsDrop(t *testing.T, before func(*testing.T, *Live)) {
	c, s := building(t, Config{Dir: t.TempDir(), Readers: 1})
	if err := c.CutOver(t.Context(), 2, 2, nil); err != nil {
		t.Fatal(err)
	}
	before(t, s)
	_ = c.Drop(t.Context(), 1) // of what the case has left
	var got int
	err := s.Snapshot(t.Context(), func(r readmodel.Reader) error {
		got = r.Projection()
		return nil
	})
	if err != nil || got != 2 {
		t.Errorf("version %d is read, 2 is live: %v", got, err)
	}
}

// closeFile has a live store begin without a version's file open.
func closeFile(t *testing.T, s *Live) {
	t.Helper()
	store := s.open[1].store
	delete(s.open, 1)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// forget closes a pool's only connection.
func forget(t *testing.T, p *pool) {
	t.Helper()
	if c := <-p.free; c != nil {
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
	}
	p.free <- nil
}

// TestNoFileIsMadeAgain opens the connections of a store that have not been needed before, when
// its file is removed.
func TestNoFileIsMadeAgain(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := os.Remove(s.Path()); err != nil {
		t.Fatal(err)
	}
	if c, err := s.checkpoints.take(t.Context()); err == nil {
		t.Error("a connection to no file")
		s.checkpoints.put(t.Context(), c)
	}
	if _, err := os.Stat(s.Path()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there again: %v", err)
	}
}
