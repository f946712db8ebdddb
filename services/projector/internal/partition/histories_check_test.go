package partition_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

func checkpointsOf(t *testing.T, r readmodel.Reader) (map[events.Partition]readmodel.Checkpoint, error) {
	all, err := r.Checkpoints(t.Context())
	out := map[events.Partition]readmodel.Checkpoint{}
	for _, cp := range all {
		out[cp.Partition] = cp
	}
	return out, err
}

func (s *sim) records() (n int) {
	for _, l := range s.logs {
		n += len(l.records)
	}
	return n
}

// check compares the tables with those of one quiet fold by the same decisions,
// those with the oracle, and both with what the timeline told.
func (s *sim) check(t *testing.T) {
	t.Helper()
	quiet := s.openDatabase(t.TempDir(), nil)
	c := s.configOf(quiet)
	for _, l := range s.logs {
		o, err := partition.NewOwner(c, &memoryReader{memoryLog: l, rng: s.rng})
		if err == nil {
			err = o.CatchUp(t.Context(), l.end(), s.book.Next())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	wantDump(t, "the tables are not those of a quiet fold", s.observer, dumpOf(t, quiet))
	if got, want := setAside(t, s.observer), setAside(t, quiet); !maps.Equal(got, want) {
		t.Errorf("set aside are %+v, by a quiet fold %+v", got, want)
	}
	s.checkOracle(t, quiet)
	s.checkTold(s.told)
}

func setAside(t *testing.T, tables readmodel.Store) (all map[events.Partition]readmodel.Counts) {
	t.Helper()
	err := tables.Snapshot(t.Context(), func(r readmodel.Reader) (err error) {
		all, err = r.Counts(t.Context())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// checkOracle folds each partition's log in memory, unless operators have decided
// or the judge is another one.
func (s *sim) checkOracle(t *testing.T, tables readmodel.Store) {
	t.Helper()
	if s.poisoned || s.book.Next() > 0 {
		return
	}
	err := tables.Snapshot(t.Context(), func(r readmodel.Reader) error {
		for _, l := range s.logs {
			folded := roomtest.Fold(l.history())
			for k, want := range folded.Rooms {
				got, ok, err := r.Room(t.Context(), readmodel.Key(k))
				switch {
				case err != nil:
					return err
				case want.Header == nil && !ok:
				case want.Header == nil || !ok || got.Header != *want.Header:
					t.Errorf("room %+v is %+v, the oracle says %+v", k, got.Header, want.Header)
				}
				_, parked := folded.Blocked[k]
				if _, blocked, err := r.Blocked(t.Context(), readmodel.Key(k)); err != nil || blocked != parked {
					t.Errorf("room %+v is blocked: %t, %v; the oracle says %t", k, blocked, err, parked)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkTold looks up events that a follower of the timeline has seen, with their
// seqs.
func (s *sim) checkTold(told []readmodel.EventRow) {
	err := s.observer.Snapshot(s.t.Context(), func(r readmodel.Reader) error {
		for _, e := range told {
			rows, err := r.Events(s.t.Context(), e.Key, e.Seq-1, nil, 1)
			if err != nil {
				return err
			}
			if len(rows) == 1 && rows[0].Content == "{}" { // taken away since: by a redaction, or with the room
				e.Redacted, e.Content = rows[0].Redacted, rows[0].Content
			}
			if !slices.Equal(rows, []readmodel.EventRow{e}) {
				s.t.Errorf("the timeline told %+v, the tables have %+v", e, rows)
			}
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}
