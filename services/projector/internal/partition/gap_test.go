package partition_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

// TestGapStops shows that a log which is not the one that was folded stops the
// partition, with a reason, and that nothing is written.
func TestGapStops(t *testing.T) {
	full := history(1, 60)
	for name, tc := range map[string]struct {
		change func(l *memoryLog, c *partition.Config)
		reason string
	}{
		"another topic":   {func(_ *memoryLog, c *partition.Config) { c.Layout.Log = events.LogID{2} }, "folded from log"},
		"begins too late": {func(l *memoryLog, _ *partition.Config) { l.start = l.end(); l.append(full[0]); l.start = l.end() - 1 }, "are gone"},
		"ends too early":  {func(l *memoryLog, _ *partition.Config) { l.records = l.records[:len(l.records)-1] }, "ends at"},
		"another record":  {func(l *memoryLog, _ *partition.Config) { l.records[len(l.records)-1].Message = full[0].Message }, "folded was"},
		"lost and grown again": {func(l *memoryLog, _ *partition.Config) {
			l.records[len(l.records)-1].Message = full[3].Message
			l.append(full[2])
		}, "folded was"},
		"last record not there": {func(l *memoryLog, _ *partition.Config) {
			l.append(full[0])
			l.records = slices.Delete(l.records, len(l.records)-2, len(l.records)-1)
		}, "is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			store, l := openStore(t), newLog(full...)
			c := config(store)
			catchUp(t, c, l, 1)
			want := dumpOf(t, store)
			tc.change(l, &c)
			stop := run(t, newOwner(t, c, l, 1))
			defer stop()
			until(t, c.States, "stopped", func(s partition.State) bool { return s.Phase == partition.Stopped })
			if s := c.States.All()[0]; !strings.Contains(s.Reason, tc.reason) {
				t.Errorf("reason %q does not say %q", s.Reason, tc.reason)
			}
			if got := dumpOf(t, store); !slices.Equal(got, want) {
				t.Error("the tables have changed")
			}
		})
	}
}

// TestAcceptGap has an operator accept a gap of the right checkpoint, and of
// wrong ones.
func TestAcceptGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := history(7, 80)
		store, l, book := openStore(t), newLog(all[:60]...), newBook(t)
		c := configBy(store, book)
		catchUp(t, c, l, 1)
		// The log is another one, with half of the history and more of it.
		was := checkpointOf(t, store)
		l = newLog(slices.Concat(all[:30], all[60:])...)
		c.Layout.Log = events.LogID{2}
		stop := run(t, newOwner(t, c, l, 1))
		defer stop()
		stopped := func(s partition.State) bool { return s.Phase == partition.Stopped }
		until(t, c.States, "stopped", stopped)
		accept := decisions.Decision{
			Type: decisions.GapAccepted, Log: c.Layout.Log, From: logID, Next: was.Next, Resume: 0, Reason: "the disk is gone",
		}
		for _, wrong := range []func(*decisions.Decision){
			func(d *decisions.Decision) { d.Next++ },
			func(d *decisions.Decision) { d.From = events.LogID{7} },
			func(d *decisions.Decision) { d.Resume = l.end() + 1 },
			func(d *decisions.Decision) { d.Partition = 1 },
		} {
			d := accept
			wrong(&d)
			decide(t, book, d)
			synctest.Wait()
			if cp := checkpointOf(t, store); cp.Log != logID || cp.Next != was.Next || !stopped(c.States.All()[0]) {
				t.Fatalf("accepted by %+v: %+v", d, cp)
			}
		}
		decide(t, book, accept)
		until(t, c.States, "folding", func(s partition.State) bool { return s.Phase == partition.Folding && s.Next == l.end() })
		stop()
		cp := checkpointOf(t, store)
		if cp.Log != c.Layout.Log || cp.Next != l.end() || cp.Decisions != book.Next() {
			t.Errorf("checkpoint %+v", cp)
		}
		// What was folded twice has no effect: each event once, in the old order first.
		s := openStore(t)
		catchUp(t, config(s), newLog(slices.Concat(all[:60], all[:30], all[60:])...), 1)
		wantDump(t, "after the gap", store, dumpOf(t, s))
	})
}

// TestAcceptLostTail has a log that lost its end and has grown again: all that
// there is in it is folded, what was folded before has no effect twice.
func TestAcceptLostTail(t *testing.T) {
	all := history(8, 100)
	for name, kept := range map[string]int{"shorter than it was": 20, "longer than it was": 50} {
		t.Run(name, func(t *testing.T) {
			store, l, book := openStore(t), newLog(all[:60]...), newBook(t)
			c := configBy(store, book)
			catchUp(t, c, l, 1)
			was := checkpointOf(t, store)
			l = newLog(slices.Concat(all[:kept], all[60:80])...)
			var gap *partition.GapError
			if err := newOwner(t, c, l, 1).CatchUp(t.Context(), l.end(), 0); !errors.As(err, &gap) {
				t.Fatalf("error %v", err)
			}
			decide(t, book, decisions.Decision{Type: decisions.GapAccepted, From: logID, Next: was.Next, Reason: "power loss"})
			catchUp(t, c, l, 1)
			once := dumpOf(t, store)
			s := openStore(t)
			catchUp(t, config(s), newLog(slices.Concat(all[:60], all[:kept], all[60:80])...), 1)
			wantDump(t, "after the gap", store, dumpOf(t, s))
			// The decision is used up: the next gap needs another, though it looks the same.
			l = newLog(all[:1]...)
			if err := newOwner(t, c, l, 1).CatchUp(t.Context(), l.end(), book.Next()); !errors.As(err, &gap) {
				t.Fatalf("the next gap: error %v", err)
			}
			wantDump(t, "stopped", store, once)
		})
	}
}
