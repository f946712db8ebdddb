package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
)

// writerOf makes the test binary a process that folds one message after another
// into the file of that name, and prints the seq of each that is committed.
const writerOf = "ROOMLOG_TEST_WRITER_OF"

var theRoom = readmodel.Key{Tenant: "main", Room: "lobby"}

func TestMain(m *testing.M) {
	if path := os.Getenv(writerOf); path != "" {
		if err := write(context.Background(), path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func write(ctx context.Context, path string) error {
	s, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err != nil {
		return err
	}
	c, err := s.Claim(ctx, 0, events.LogID{1}, "writer")
	if err != nil {
		return err
	}
	for n := c.Next; ; n++ {
		if err := post(ctx, s, c.Epoch, n); err != nil {
			return err
		}
		fmt.Println(n + 1)
	}
}

// post folds a message.
func post(ctx context.Context, s *sqlite.Store, epoch int64, n events.Offset) error {
	seq := events.Seq(n + 1)
	f := readmodel.Fence{Epoch: epoch, Floor: n, Next: n + 1, Last: n, LastID: "e"}
	return s.Fold(ctx, f, nil, func(readmodel.Rows) (readmodel.Batch, error) {
		return readmodel.Batch{
			Headers: []*room.Header{{Tenant: theRoom.Tenant, Room: theRoom.Room, Seq: seq, LastMessage: seq}},
			Events: []readmodel.EventRow{{
				Key: theRoom, Seq: seq, ID: events.EventID(strconv.Itoa(int(seq))), Type: events.TypeMessagePosted, Version: 1,
				Facts: "{}", Content: "{}", Offset: n,
			}},
		}, nil
	})
}

// TestKilledWriter reads beside a writer in another process, kills that, and
// finds everything that it said was committed, twice over.
func TestKilledWriter(t *testing.T) {
	path := t.TempDir() + "/model.db"
	open(t, sqlite.Config{Path: path}) // makes the file, so that reading can begin at once
	reader := open(t, sqlite.Config{Path: path, ReadOnly: true})
	var committed events.Seq
	for round := range 2 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), writerOf+"="+path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			seq, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
			if err != nil {
				t.Fatal(err)
			}
			committed = events.Seq(seq)
			if n%50 == 0 {
				consistent(t, reader, committed)
			}
			if n == 200 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // it was killed
		if committed < events.Seq(200*(round+1)) {
			t.Fatalf("round %d: the writer ended at %d", round, committed)
		}
		consistent(t, reader, committed)
	}
}

// consistent looks for one moment's rows and checkpoint, with at least the
// committed ones.
func consistent(t *testing.T, s readmodel.Store, committed events.Seq) {
	t.Helper()
	err := s.Snapshot(t.Context(), func(r readmodel.Reader) error {
		c, _, err := r.Checkpoint(t.Context(), 0)
		if err != nil {
			return err
		}
		row, _, err := r.Room(t.Context(), theRoom)
		if err != nil {
			return err
		}
		all, err := r.Events(t.Context(), theRoom, 0, nil, 1_000_000)
		if row.Seq < committed || events.Seq(c.Next) != row.Seq || len(all) != int(row.Seq) {
			t.Errorf("committed %d; there are checkpoint %d, seq %d and %d events", committed, c.Next, row.Seq, len(all))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
