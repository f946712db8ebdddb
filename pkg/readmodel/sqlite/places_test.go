package sqlite_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
)

// folder folds batches one after the other.
type folder struct {
	*sqlite.Store
	claim readmodel.Checkpoint
}

func folding(t *testing.T, fault func(string) error) *folder {
	t.Helper()
	s := open(t, sqlite.Config{Fault: fault})
	c, err := s.Claim(t.Context(), 0, events.LogID{1}, "owner")
	if err != nil {
		t.Fatal(err)
	}
	return &folder{s, c}
}

func (f *folder) fold(ctx context.Context, b readmodel.Batch) error {
	next := f.claim.Next + 1
	err := f.Fold(ctx, readmodel.Fence{Epoch: f.claim.Epoch, Floor: f.claim.Next, Next: next}, nil, func(readmodel.Rows) (readmodel.Batch, error) { return b, nil })
	if err == nil {
		f.claim.Next = next
	}
	return err
}

// at has each of some rooms at a seq, with an event there.
func at(seq events.Seq, rooms ...events.RoomID) (b readmodel.Batch) {
	for _, r := range rooms {
		b.Headers = append(b.Headers, &room.Header{Tenant: "main", Room: r, Seq: seq, LastMessage: seq})
		b.Events = append(b.Events, readmodel.EventRow{
			Key: readmodel.Key{Tenant: "main", Room: r}, Seq: seq, ID: events.EventID(r) + events.EventID(rune('a'+seq%8)), Type: events.TypeMessagePosted, Version: 1, LastMessage: seq, Facts: "{}", Content: "{}",
		})
	}
	return b
}

func (f *folder) has(t *testing.T, r events.RoomID, want ...events.Seq) {
	t.Helper()
	err := f.Snapshot(t.Context(), func(reader readmodel.Reader) error {
		k := readmodel.Key{Tenant: "main", Room: r}
		list, err := reader.Events(t.Context(), k, 0, nil, 10)
		if err != nil {
			return err
		}
		got := make([]events.Seq, len(list))
		for i, e := range list {
			if got[i] = e.Seq; e.ID[:1] != events.EventID(r) {
				t.Errorf("%s has %s", r, e.ID)
			}
		}
		last, err := reader.MessagesBefore(t.Context(), k, tables.MaxSeq+1, 1)
		if !slices.Equal(got, want) || len(last) != 1 || last[0].Seq != want[len(want)-1] {
			t.Errorf("%s has %v, last %v, not %v", r, got, last, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMaxSeq fills a room to its end, where the next one's begins.
func TestMaxSeq(t *testing.T) {
	f := folding(t, nil)
	for _, b := range []readmodel.Batch{at(1, "a", "b"), at(tables.MaxSeq, "a")} {
		if err := f.fold(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	for _, seq := range []events.Seq{tables.MaxSeq + 1, tables.MaxSeq + 3, 1 << 62, -1} {
		if err := f.fold(t.Context(), at(seq, "a")); !errors.Is(err, readmodel.ErrRowRefused) {
			t.Errorf("seq %d: got error %v", seq, err)
		}
	}
	f.has(t, "a", 1, tables.MaxSeq)
	f.has(t, "b", 1)
}

// TestRoomsOfFailedBatch has rooms get other numbers than in a batch that was not
// committed.
func TestRoomsOfFailedBatch(t *testing.T) {
	var failing string
	failure := errors.New("injected")
	f := folding(t, func(statement string) error {
		if statement == failing {
			return failure
		}
		return nil
	})
	failing = "commit"
	if err := f.fold(t.Context(), at(1, "a", "b", "c")); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	failing = ""
	for _, b := range []readmodel.Batch{at(1, "c", "b"), at(1, "a"), at(2, "b", "a", "c")} {
		if err := f.fold(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []events.RoomID{"a", "b", "c"} {
		f.has(t, r, 1, 2)
	}
}

func TestEventWithoutRoom(t *testing.T) {
	f := folding(t, nil)
	b := at(1, "a")
	b.Headers = nil
	if err := f.fold(t.Context(), b); !errors.Is(err, readmodel.ErrRowRefused) {
		t.Errorf("got error %v", err)
	}
}
