package embedded_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
)

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	b := start(t, embedded.Config{Dir: dir})
	cfg := configOf(b.Info())
	l := ensure(t, cfg, 2)
	publish(t, cfg, l, "a", 50)
	publish(t, cfg, l, "b", 50)
	commit(t, cfg, l, 7)
	before := [][]eventlog.Record{read(t, cfg, l, 0), read(t, cfg, l, 1)}
	stop(t, b)

	start(t, embedded.Config{Dir: dir})
	again := ensure(t, cfg, 2)
	if again != l {
		t.Errorf("the log was %+v, is %+v", l, again)
	}
	if after := [][]eventlog.Record{read(t, cfg, l, 0), read(t, cfg, l, 1)}; !reflect.DeepEqual(after, before) {
		t.Errorf("records, or their times or offsets, have changed")
	}
	if o := committed(t, cfg, l); o != 7 {
		t.Errorf("committed offset %d, want 7", o)
	}
	if pos := publish(t, cfg, l, "a", 1)[0]; pos.Offset != events.Offset(len(before[pos.Partition])) {
		t.Errorf("the next event stands at %d, behind %d", pos.Offset, len(before[pos.Partition]))
	}
}

// commit sets the offset of a group in partition 0; committed gives it.
func commit(t *testing.T, cfg eventlog.Config, l eventlog.Layout, o events.Offset) {
	inGroup(t, cfg, l, func(ctx context.Context, s *eventlog.Source) error { return s.Commit(ctx, 0, o) })
}

func committed(t *testing.T, cfg eventlog.Config, l eventlog.Layout) (o events.Offset) {
	inGroup(t, cfg, l, func(ctx context.Context, s *eventlog.Source) (err error) {
		o, _, err = s.Committed(ctx, 0)
		return err
	})
	return o
}

func inGroup(t *testing.T, cfg eventlog.Config, l eventlog.Layout, f func(context.Context, *eventlog.Source) error) {
	t.Helper()
	s, err := eventlog.NewSource(cfg, l, "group")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	err = s.Run(ctx, func(ctx context.Context, r *eventlog.Reader) error {
		if r.Partition() != 0 {
			return nil
		}
		defer cancel()
		return f(ctx, s)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRetention has records deleted, in a process that did not make the topic,
// and keeps those of a log.
func TestRetention(t *testing.T) {
	dir := t.TempDir()
	b := start(t, embedded.Config{Dir: dir})
	cfg := configOf(b.Info())
	log := ensure(t, cfg, 1)
	short, err := eventlog.EnsureTopic(testContext(t), cfg, eventlog.TopicSpec{Name: "short", Partitions: 1, Retention: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, cfg, log, "room", 5)
	publish(t, cfg, short, "room", 5)
	stop(t, b)

	start(t, embedded.Config{Dir: dir, RetentionInterval: 10 * time.Millisecond})
	r := eventlog.NewReader(cfg, short, 0)
	defer r.Close()
	for ctx := testContext(t); ; {
		begin, end, err := r.Bounds(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if begin == 5 && end == 5 {
			break
		}
	}
	if got := read(t, cfg, log, 0); len(got) != 5 {
		t.Errorf("the log has %d records left, want 5", len(got))
	}
}
