package partition_test

import (
	"slices"
	"strings"
	"testing"

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
