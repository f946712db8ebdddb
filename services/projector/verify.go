package projector

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

// Verification says which tables to verify against which log.
type Verification struct {
	Log    eventlog.Config
	Layout eventlog.Layout
	// Store has the tables in question; Scratch is an empty one to fold into.
	Store, Scratch readmodel.Store
	// Progress, where set, is told how many of all records have been folded.
	Progress func(done, total int64)
	Logger   *slog.Logger
}

// Difference is a row that is not as the log has it.
type Difference struct {
	Table string `json:"table"`
	Key   string `json:"key"`
	// Tables is the row as it stands, Log as a fresh fold gives it; empty where
	// there is none.
	Tables string `json:"tables,omitempty"`
	Log    string `json:"log,omitempty"`
	// Columns are those that differ; none where the row is in one of the two only.
	Columns []string `json:"columns,omitempty"`
}

// Verified is the result of a verification.
type Verified struct {
	Records     int64 `json:"records"` // folded
	Rows        int64 `json:"rows"`    // compared
	Differences int64 `json:"differences"`
}

// Verify folds the log afresh, up to the checkpoints of the tables, and compares
// all rows. All that it reads of the tables is of one moment: projectors may go
// on meanwhile. Each difference is reported as it is found.
func Verify(ctx context.Context, v Verification, report func(Difference)) (Verified, error) {
	var result Verified
	count := func(d Difference) {
		result.Differences++
		report(d)
	}
	err := v.Store.Snapshot(ctx, func(live readmodel.Reader) error {
		checkpoints, err := live.Checkpoints(ctx)
		if err != nil {
			return err
		}
		if result.Records, err = v.refold(ctx, checkpoints); err != nil {
			return err
		}
		return v.Scratch.Snapshot(ctx, func(fresh readmodel.Reader) error {
			if result.Rows, err = compare(ctx, live.Dump, fresh.Dump, count); err != nil {
				return err
			}
			// Of the same rows, what is the same for this log only.
			_, err := compare(ctx, live.DumpPositions, fresh.DumpPositions, count)
			return err
		})
	})
	if err != nil {
		return result, fmt.Errorf("verify: %w", err)
	}
	return result, nil
}

func (v Verification) refold(ctx context.Context, checkpoints []readmodel.Checkpoint) (int64, error) {
	var total, done int64
	for _, cp := range checkpoints {
		total += int64(cp.Next)
	}
	states := partition.NewStates()
	c := partition.Config{
		Store: v.Scratch, Layout: v.Layout, Owner: "verify", Judge: room.Apply, Book: decisions.NewBook(), MaxBatch: 1000, RoomCache: 10_000,
		Slots: make(chan struct{}, 1), States: states, Metrics: partition.NewMetrics(prometheus.NewRegistry(), states),
		Logger: slog.New(slog.DiscardHandler), Now: time.Now, Committed: func(events.Partition, events.Offset) {},
		Announce: func(c partition.Commit) {
			done += int64(c.Next - c.Floor)
			if v.Progress != nil {
				v.Progress(done, total)
			}
		},
	}
	if err := c.Book.Read(ctx, v.Log, c.Logger); err != nil {
		return 0, err
	}
	for _, cp := range checkpoints {
		if err := v.catchUp(ctx, c, cp); err != nil {
			return done, fmt.Errorf("partition %d: %w", cp.Partition, err)
		}
	}
	return done, nil
}

func (v Verification) catchUp(ctx context.Context, c partition.Config, cp readmodel.Checkpoint) error {
	r := eventlog.NewReader(v.Log, v.Layout, cp.Partition)
	defer r.Close()
	if err := partition.Recognise(ctx, r, v.Layout, cp); err != nil {
		return err
	}
	if err := partition.RecogniseDecisions(cp, c.Book.Topic(), c.Book.Next()); err != nil {
		return err
	}
	o, err := partition.NewOwner(c, r)
	if err != nil {
		return err
	}
	return o.CatchUp(ctx, cp.Next, cp.Decisions)
}

// dumping is a method of a reader that dumps.
type dumping func(context.Context, func(readmodel.DumpRow) error) error

// rows turns a dump into a sequence; an error ends it.
func (d dumping) rows(ctx context.Context) iter.Seq2[readmodel.DumpRow, error] {
	stop := errors.New("stop")
	return func(yield func(readmodel.DumpRow, error) bool) {
		err := d(ctx, func(row readmodel.DumpRow) error {
			if !yield(row, nil) {
				return stop
			}
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			yield(readmodel.DumpRow{}, err)
		}
	}
}

// compare walks two dumps side by side: both ascend by table, then key. It gives
// the number of rows.
func compare(ctx context.Context, live, fresh dumping, report func(Difference)) (rows int64, err error) {
	nextLive, stopLive := iter.Pull2(live.rows(ctx))
	defer stopLive()
	nextFresh, stopFresh := iter.Pull2(fresh.rows(ctx))
	defer stopFresh()
	a, errA, okA := nextLive()
	b, errB, okB := nextFresh()
	for okA || okB {
		if err := errors.Join(errA, errB); err != nil {
			return rows, err
		}
		rows++
		order := 0
		switch {
		case !okA:
			order = 1
		case !okB:
			order = -1
		default:
			order = cmp.Or(strings.Compare(a.Table, b.Table), strings.Compare(a.Key, b.Key))
		}
		switch {
		case order < 0:
			report(Difference{Table: a.Table, Key: a.Key, Tables: a.Value})
			a, errA, okA = nextLive()
		case order > 0:
			report(Difference{Table: b.Table, Key: b.Key, Log: b.Value})
			b, errB, okB = nextFresh()
		default:
			if a.Value != b.Value {
				report(Difference{Table: a.Table, Key: a.Key, Tables: a.Value, Log: b.Value, Columns: columns(a.Value, b.Value)})
			}
			a, errA, okA = nextLive()
			b, errB, okB = nextFresh()
		}
	}
	return rows, nil
}

// columns are the fields that two JSON objects do not have alike.
func columns(a, b string) (differ []string) {
	var fieldsA, fieldsB map[string]json.RawMessage
	if json.Unmarshal([]byte(a), &fieldsA) != nil || json.Unmarshal([]byte(b), &fieldsB) != nil {
		return nil
	}
	for name := range fieldsA {
		if !bytes.Equal(fieldsA[name], fieldsB[name]) {
			differ = append(differ, name)
		}
	}
	slices.Sort(differ)
	return differ
}
