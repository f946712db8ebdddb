package sqlite_test

import (
	"os"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
)

// TestCheckpoint folds some thousand pages: again and again all of the WAL is written
// back beside the writer, and it begins anew.
func TestCheckpoint(t *testing.T) {
	path := t.TempDir() + "/model.db"
	s := open(t, sqlite.Config{Path: path})
	c, err := s.Claim(t.Context(), 0, events.LogID{1}, "writer")
	if err != nil {
		t.Fatal(err)
	}
	var most int64
	for n, times := c.Next, 0; times < 4; n++ {
		if err := post(t.Context(), s, c.Epoch, n); err != nil {
			t.Fatal(err)
		}
		waiting, err := s.Waiting(t.Context())
		if err != nil || waiting >= sqlite.CheckpointAt {
			t.Fatalf("%d pages wait, %v", waiting, err)
		}
		if waiting == 0 {
			times++
		}
		most = max(most, waiting)
	}
	if most < sqlite.CheckpointAt*9/10 {
		t.Errorf("it was written back when %d pages waited", most)
	}
	wal, err := os.Stat(path + "-wal")
	if err != nil || wal.Size() > 2*sqlite.RestartAt*4096 {
		t.Errorf("the WAL has %d bytes, %v", wal.Size(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("a WAL is left")
	}
}

// TestWALBeginsAnew folds on while the WAL is written back: it never has nothing to
// write back by itself.
func TestWALBeginsAnew(t *testing.T) {
	path := t.TempDir() + "/model.db"
	s := open(t, sqlite.Config{Path: path})
	c, err := s.Claim(t.Context(), 0, events.LogID{1}, "writer")
	if err != nil {
		t.Fatal(err)
	}
	const posts = sqlite.RestartAt / 2 // of some eight pages each
	for n := range events.Offset(posts) {
		if err := post(t.Context(), s, c.Epoch, c.Next+n); err != nil {
			t.Fatal(err)
		}
	}
	wal, err := os.Stat(path + "-wal")
	if err != nil || wal.Size() > 2*sqlite.RestartAt*4096 {
		t.Errorf("the WAL has %d bytes, %v", wal.Size(), err)
	}
	t.Logf("the WAL has %d pages", wal.Size()/4096)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
