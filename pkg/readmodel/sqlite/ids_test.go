package sqlite_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/schema"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
)

// idsFile is a file whose events have ids of all kinds, and what is in it: the ids of a
// room by their seq, less one.
type idsFile struct {
	path    string
	rng     *rand.Rand
	failing string
	folders [2]*folder // take turns
	now     time.Time
	ids     map[events.RoomID][]events.EventID
}

var errInjected = errors.New("injected")

func newIDsFile(t *testing.T) *idsFile {
	t.Helper()
	seed := rand.Uint64()
	t.Log("seed", seed)
	f := &idsFile{path: filepath.Join(t.TempDir(), "model.db"), rng: rand.New(rand.NewPCG(seed, 0)), now: time.Unix(1_700_000_000, 0), ids: map[events.RoomID][]events.EventID{}}
	for i := range f.folders {
		f.folders[i] = &folder{}
		f.reopen(t, i)
	}
	return f
}

func (f *idsFile) reopen(t *testing.T, i int) {
	t.Helper()
	if s := f.folders[i].Store; s != nil {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	f.folders[i].Store = open(t, sqlite.Config{Path: f.path, Fault: func(statement string) error {
		if statement == f.failing {
			return errInjected
		}
		return nil
	}})
}

func (f *idsFile) claim(t *testing.T, i int) {
	t.Helper()
	var err error
	if f.folders[i].claim, err = f.folders[i].Claim(t.Context(), 0, events.LogID{1}, fmt.Sprint("owner", i)); err != nil {
		t.Fatal(err)
	}
}

// inOrder, late and keyed are ids as the API makes them: of its time, of that of a replica
// whose clock is behind, and of a client's key.
func (f *idsFile) inOrder() events.EventID {
	f.now = f.now.Add(time.Millisecond)
	return events.EventID(events.NewID(f.now))
}

func (f *idsFile) late() events.EventID {
	return events.EventID(events.NewID(f.now.Add(-time.Duration(f.rng.IntN(40_000)) * time.Microsecond)))
}

func (f *idsFile) keyed() events.EventID {
	return events.IdempotentID("main", "r", "u", fmt.Sprint(f.rng.Uint64()))
}

// post folds events with the next seqs of a room.
func (f *idsFile) post(t *testing.T, i int, added map[events.RoomID][]events.EventID) error {
	t.Helper()
	var b readmodel.Batch
	for _, r := range slices.Sorted(maps.Keys(added)) {
		seq := events.Seq(len(f.ids[r]))
		for _, id := range added[r] {
			seq++
			b.Events = append(b.Events, readmodel.EventRow{
				Key: readmodel.Key{Tenant: "main", Room: r}, Seq: seq, ID: id, Type: events.TypeMessagePosted, Version: 1, LastMessage: seq, Facts: "{}", Content: "{}",
			})
		}
		b.Headers = append(b.Headers, &room.Header{Tenant: "main", Room: r, Seq: seq, LastMessage: seq})
	}
	err := f.folders[i].fold(t.Context(), b)
	if err == nil {
		for r, ids := range added {
			f.ids[r] = append(f.ids[r], ids...)
		}
	}
	return err
}

// check looks for each event by its id, and for as many that are not there.
func (f *idsFile) check(t *testing.T, i int) {
	t.Helper()
	err := f.folders[i].Snapshot(t.Context(), func(reader readmodel.Reader) error {
		for r, ids := range f.ids {
			k := readmodel.Key{Tenant: "main", Room: r}
			for n, id := range ids {
				e, ok, err := reader.Event(t.Context(), k, id)
				if err != nil {
					return err
				}
				if !ok || e.ID != id || e.Seq != events.Seq(n+1) {
					t.Fatalf("%s, event %d, %s: got %v, seq %d, %s", r, n+1, id, ok, e.Seq, e.ID)
				}
				missing := id[:35] + "g" // the next, and none: a digit is hexadecimal
				if _, ok, err := reader.Event(t.Context(), k, missing); ok || err != nil {
					t.Fatalf("%s has %s: %v", r, missing, err)
				}
				if _, ok, err := reader.Event(t.Context(), readmodel.Key{Tenant: "main", Room: r + "x"}, id); ok || err != nil {
					t.Fatalf("another room than %s has %s: %v", r, id, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	needs := readmodel.Needs{}
	for r := range f.ids {
		needs[readmodel.Key{Tenant: "main", Room: r}] = nil
	}
	c := &f.folders[i].claim
	err = f.folders[i].Fold(t.Context(), readmodel.Fence{Epoch: c.Epoch, Floor: c.Next, Next: c.Next + 1}, needs, func(rows readmodel.Rows) (readmodel.Batch, error) {
		for r, ids := range f.ids {
			if got := rows.Highest[readmodel.Key{Tenant: "main", Room: r}]; got != slices.Max(ids) {
				t.Errorf("the highest of %s is %s, not %s", r, got, slices.Max(ids))
			}
		}
		return readmodel.Batch{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Next++
}

// TestIDs finds events by ids of all kinds, however they came: in batches of which some
// fail, through stores that claim the partition from each other and are opened again.
func TestIDs(t *testing.T) {
	f := newIDsFile(t)
	at := 0
	f.claim(t, at)
	failed := 0
	for n := range 400 {
		switch f.rng.IntN(10) {
		case 0:
			at = 1 - at
			f.claim(t, at)
		case 1:
			f.reopen(t, at)
			f.claim(t, at)
		}
		added := map[events.RoomID][]events.EventID{}
		for range 1 + f.rng.IntN(20) {
			r := events.RoomID(fmt.Sprint("room", f.rng.IntN(3)))
			made := []func() events.EventID{f.inOrder, f.inOrder, f.inOrder, f.inOrder, f.late, f.keyed}
			if r == "room0" { // of a service that sends no keys
				made = made[:5]
			}
			added[r] = append(added[r], made[f.rng.IntN(len(made))]())
		}
		f.failing = ""
		if f.rng.IntN(8) == 0 {
			f.failing = []string{"write outcomes", "commit", "write events"}[f.rng.IntN(3)]
		}
		switch err := f.post(t, at, added); {
		case err == nil:
		case errors.Is(err, errInjected):
			failed++
		default:
			t.Fatal(err)
		}
		f.failing = ""
		if n%100 == 99 {
			f.check(t, at)
		}
	}
	if failed == 0 || len(f.ids["room0"]) < 500 {
		t.Errorf("%d batches failed, room0 has %d events", failed, len(f.ids["room0"]))
	}
}

// TestIDsOfAnother has one store write below what another has written meanwhile.
func TestIDsOfAnother(t *testing.T) {
	f := newIDsFile(t)
	first, between := f.inOrder(), f.inOrder()
	for _, turn := range []struct {
		store int
		id    events.EventID
	}{{0, first}, {1, f.inOrder()}, {0, between}, {1, f.inOrder()}} {
		f.claim(t, turn.store)
		if err := f.post(t, turn.store, map[events.RoomID][]events.EventID{"r": {turn.id}}); err != nil {
			t.Fatal(err)
		}
	}
	f.check(t, 1)
}

// entries are how many events have none, one of their stretch, and one of their own.
func (f *idsFile) entries(t *testing.T) (n [3]int) {
	t.Helper()
	db, err := sql.Open("sqlite", f.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	row := db.QueryRowContext(t.Context(), `SELECT sum(entry = 0), sum(entry = 1), sum(entry = 2) FROM events`)
	if err := row.Scan(&n[0], &n[1], &n[2]); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestIndexIsSparse counts the entries of ids.
func TestIndexIsSparse(t *testing.T) {
	f := newIDsFile(t)
	f.claim(t, 0)
	for range 20 {
		ids := make([]events.EventID, 8)
		for i := range ids {
			ids[i] = f.inOrder()
		}
		if err := f.post(t, 0, map[events.RoomID][]events.EventID{"r": ids}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.post(t, 0, map[events.RoomID][]events.EventID{"r": {f.ids["r"][100][:35] + "h", f.keyed(), f.inOrder()}}); err != nil {
		t.Fatal(err)
	}
	if got, want := f.entries(t), [3]int{150, 11, 2}; got != want { // seqs 1 to 161 and 163, in 11 stretches
		t.Errorf("%v events have no entry, one of their stretch, one of their own; not %v", got, want)
	}
	f.check(t, 0)
}

// TestIDsThatAreNotFound damages the index: a dump of positions says of each event whether
// it is found.
func TestIDsThatAreNotFound(t *testing.T) {
	f := newIDsFile(t)
	f.claim(t, 0)
	var ids []events.EventID
	for range 40 {
		ids = append(ids, f.inOrder())
	}
	ids = append(ids, f.keyed())
	if err := f.post(t, 0, map[events.RoomID][]events.EventID{"r": ids}); err != nil {
		t.Fatal(err)
	}
	if n := len(f.notFound(t)); n > 0 {
		t.Errorf("%d events are not found before anything is damaged", n)
	}
	// Seqs 16 to 31 are the second stretch; seq 41 has a key.
	change(t, f.path, `UPDATE events SET entry = 0 WHERE seq IN (16, 41)`)
	var want []events.Seq
	for seq := events.Seq(16); seq < 32; seq++ {
		want = append(want, seq)
	}
	if got := f.notFound(t); !slices.Equal(got, append(want, 41)) {
		t.Errorf("not found are %v, should be %v and 41", got, want)
	}
}

// notFound are the seqs of the events that a dump says are not found by their ids, once
// it has been seen that they are not.
func (f *idsFile) notFound(t *testing.T) (seqs []events.Seq) {
	t.Helper()
	err := f.folders[0].Snapshot(t.Context(), func(reader readmodel.Reader) error {
		return reader.DumpPositions(t.Context(), func(row readmodel.DumpRow) error {
			var at struct {
				Found bool `json:"found_by_id"`
			}
			if row.Table != "events" {
				return nil
			}
			if err := json.Unmarshal([]byte(row.Value), &at); err != nil {
				return err
			}
			var r events.RoomID
			var seq events.Seq
			if _, err := fmt.Sscanf(row.Key, "main %s %d", &r, &seq); err != nil {
				return err
			}
			e, ok, err := reader.Event(t.Context(), readmodel.Key{Tenant: "main", Room: r}, f.ids[r][seq-1])
			if found := ok && e.Seq == seq; found != at.Found {
				t.Errorf("seq %d is found: %t, the dump says %t", seq, found, at.Found)
			}
			if !at.Found {
				seqs = append(seqs, seq)
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

// TestIDsOfBefore has a file of before the index was sparse, and a program of before that
// writes to it still.
func TestIDsOfBefore(t *testing.T) {
	f := newIDsFile(t)
	f.claim(t, 0)
	var before, after []events.EventID
	for i := range 100 {
		before = append(before, f.inOrder())
		if i%7 == 0 {
			before = append(before, f.late(), f.keyed())
		}
	}
	after = append(after, f.inOrder(), f.late(), f.keyed(), f.inOrder())
	if err := f.post(t, 0, map[events.RoomID][]events.EventID{"r": before, "s": {f.keyed()}, "t": {f.inOrder()}}); err != nil {
		t.Fatal(err)
	}
	for i := range f.folders {
		if err := f.folders[i].Close(); err != nil {
			t.Fatal(err)
		}
		f.folders[i].Store = nil
	}
	want := f.entries(t)
	change(t, f.path, `DROP INDEX events_by_id; DROP INDEX events_in_order; ALTER TABLE events DROP COLUMN entry;
CREATE UNIQUE INDEX events_by_id ON events (number, event_id); DELETE FROM `+schema.VersionTable+` WHERE version_id = 7;`)
	f.reopen(t, 0)
	if got := f.entries(t); got != want {
		t.Errorf("there are %v entries, not %v", got, want)
	}
	earlier := f.inOrder()
	const columns = `type, sender, sent_at, log_time, partition, log_offset, digest, thread_root, about, messages, last_message, posted, sent_until, redacted, content_key, facts, content`
	change(t, f.path, `INSERT INTO events (place, event_id, `+columns+`) SELECT place + 1, '`+string(earlier)+`', `+columns+` FROM events WHERE place = (SELECT number << 32 | seq FROM rooms WHERE room = 's');
UPDATE rooms SET seq = seq + 1 WHERE room = 's'`)
	f.ids["s"] = append(f.ids["s"], earlier)
	f.claim(t, 0)
	if err := f.post(t, 0, map[events.RoomID][]events.EventID{"r": after, "s": {f.inOrder()}, "t": {f.inOrder()}}); err != nil {
		t.Fatal(err)
	}
	f.check(t, 0)
}
