package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

// watch records which partitions each of several sources has.
type watch struct {
	mu   sync.Mutex
	has  map[string]map[events.Partition]bool
	wake chan struct{}
	ends []error // causes, as handlers ended
}

func newWatch() *watch {
	return &watch{has: map[string]map[events.Partition]bool{}, wake: make(chan struct{}, 1)}
}

func (w *watch) set(member string, p events.Partition, has bool, cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.has[member] == nil {
		w.has[member] = map[events.Partition]bool{}
	}
	w.has[member][p] = has
	if !has {
		w.ends = append(w.ends, cause)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watch) of(member string) (ps []events.Partition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for p, has := range w.has[member] {
		if has {
			ps = append(ps, p)
		}
	}
	slices.Sort(ps)
	return ps
}

func (w *watch) until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	timeout := time.After(patience)
	for !cond() {
		select {
		case <-w.wake:
		case <-timeout:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// never watches for longer than a rebalance takes.
func (w *watch) never(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for over := time.After(rebalance); ; {
		if cond() {
			t.Errorf("this must not be: %s", what)
			return
		}
		select {
		case <-w.wake:
		case <-over:
			return
		}
	}
}

// handler has the partition until it is told to give it up.
func (w *watch) handler(member string) eventlog.Handler {
	return func(ctx context.Context, r *eventlog.Reader) error {
		w.set(member, r.Partition(), true, nil)
		<-ctx.Done()
		w.set(member, r.Partition(), false, context.Cause(ctx))
		return nil
	}
}

// runSource runs a source until the test ends or stop is called, which waits.
func runSource(t *testing.T, cfg eventlog.Config, l eventlog.Layout, group string, h eventlog.Handler) (s *eventlog.Source, stop func() error) {
	t.Helper()
	s, err := eventlog.NewSource(cfg, l, group)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, h) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return s, stop
}

// rebalance is longer than a group of groupConfig takes to move a partition.
const rebalance = 1500 * time.Millisecond

func groupConfig(cfg eventlog.Config) eventlog.Config {
	cfg.SessionTimeout = 2 * time.Second
	return cfg
}

func TestSourcesShareAGroup(t *testing.T) { onBoth(t, testSourcesShareAGroup) }

func testSourcesShareAGroup(t *testing.T, cfg eventlog.Config) {
	cfg = groupConfig(cfg)
	l := ensureEvents(t, cfg, 4)
	w := newWatch()

	runSource(t, cfg, l, "g", w.handler("a"))
	w.until(t, "a has all", func() bool { return len(w.of("a")) == 4 })

	_, stopB := runSource(t, cfg, l, "g", w.handler("b"))
	w.until(t, "a and b have two each", func() bool { return len(w.of("a")) == 2 && len(w.of("b")) == 2 })
	if all := append(w.of("a"), w.of("b")...); len(slices.Compact(slices.Sorted(slices.Values(all)))) != 4 {
		t.Errorf("a has %v, b has %v", w.of("a"), w.of("b"))
	}
	w.mu.Lock()
	for _, cause := range w.ends {
		if !errors.Is(cause, eventlog.ErrRevoked) {
			t.Errorf("a handler ended with %v, not ErrRevoked", cause)
		}
	}
	if len(w.ends) != 2 {
		t.Errorf("%d handlers ended, cooperative balancing moves 2", len(w.ends))
	}
	w.mu.Unlock()

	if err := stopB(); err != nil {
		t.Error(err)
	}
	w.until(t, "a has all again", func() bool { return len(w.of("a")) == 4 })
}

func TestRevocationWaitsForTheHandler(t *testing.T) { onBoth(t, testRevocationWaitsForTheHandler) }

func testRevocationWaitsForTheHandler(t *testing.T, cfg eventlog.Config) {
	cfg = groupConfig(cfg)
	l := ensureEvents(t, cfg, 2)
	w := newWatch()
	revoked, finish := make(chan struct{}, 2), make(chan struct{})
	slow := func(ctx context.Context, r *eventlog.Reader) error {
		w.set("slow", r.Partition(), true, nil)
		<-ctx.Done()
		if errors.Is(context.Cause(ctx), eventlog.ErrRevoked) {
			revoked <- struct{}{}
			<-finish
		}
		w.set("slow", r.Partition(), false, context.Cause(ctx))
		return nil
	}
	runSource(t, cfg, l, "g", slow)
	w.until(t, "slow has both", func() bool { return len(w.of("slow")) == 2 })

	quick := func(ctx context.Context, r *eventlog.Reader) error {
		if slices.Contains(w.of("slow"), r.Partition()) {
			t.Errorf("partition %d has two handlers", r.Partition())
		}
		return w.handler("quick")(ctx, r)
	}
	runSource(t, cfg, l, "g", quick)
	<-revoked
	w.never(t, "quick has a partition before slow has finished", func() bool { return len(w.of("quick")) > 0 })
	close(finish)
	w.until(t, "one each", func() bool { return len(w.of("slow")) == 1 && len(w.of("quick")) == 1 })
}

func TestHandlerErrorEndsRun(t *testing.T) {
	_, cfg := startBroker(t, "")
	l := ensureEvents(t, cfg, 2)
	s, err := eventlog.NewSource(groupConfig(cfg), l, "g")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err = s.Run(testContext(t), func(ctx context.Context, r *eventlog.Reader) error {
		if r.Partition() == 1 {
			return broken
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, broken) {
		t.Errorf("Run: %v", err)
	}
}

func TestCommittedOffsets(t *testing.T) { onBoth(t, testCommittedOffsets) }

func testCommittedOffsets(t *testing.T, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 1)
	ctx := testContext(t)
	for i := range 3 {
		turn := make(chan error, 1)
		var s *eventlog.Source
		ready := make(chan struct{})
		h := func(hctx context.Context, r *eventlog.Reader) error {
			<-ready
			turn <- func() error {
				o, ok, err := s.Committed(ctx, 0)
				if err != nil || ok != (i > 0) || ok && o != events.Offset(i) {
					return fmt.Errorf("turn %d: committed %d %v %w", i, o, ok, err)
				}
				return s.Commit(ctx, 0, events.Offset(i+1))
			}()
			<-hctx.Done()
			return nil
		}
		var stop func() error
		s, stop = runSource(t, groupConfig(cfg), l, "g", h)
		close(ready)
		if err := <-turn; err != nil {
			t.Error(err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if err := s.Commit(ctx, 0, 9); !errors.Is(err, eventlog.ErrNotRunning) {
			t.Errorf("commit outside Run: %v", err)
		}
	}
}

// TestLost lets the coordinator forget a member, as it does one that was frozen.
func TestLost(t *testing.T) {
	b, cfg := startBroker(t, "")
	cfg = groupConfig(cfg)
	l := ensureEvents(t, cfg, 1)
	w := newWatch()
	var handlers atomic.Int32
	runSource(t, cfg, l, "g", func(ctx context.Context, r *eventlog.Reader) error {
		if handlers.Add(1) > 1 {
			t.Error("two handlers of one partition")
		}
		defer handlers.Add(-1)
		return w.handler("a")(ctx, r)
	})
	w.until(t, "a has it", func() bool { return len(w.of("a")) == 1 })
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, TopLevel: true})
	ended := func() []error {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.Clone(w.ends)
	}
	w.until(t, "it is lost", func() bool { return len(ended()) == 1 })
	if cause := ended()[0]; !errors.Is(cause, eventlog.ErrLost) {
		t.Errorf("the handler ended with %v, not ErrLost", cause)
	}
	w.until(t, "a has it again", func() bool { return len(w.of("a")) == 1 })
}

// TestSlowHandlerIsLeftBehind has a handler that does not finish in time: its
// partition goes, and comes back when it has finished.
func TestSlowHandlerIsLeftBehind(t *testing.T) {
	_, cfg := startBroker(t, "")
	cfg = groupConfig(cfg)
	l := ensureEvents(t, cfg, 2)
	w := newWatch()
	slow := cfg
	slow.RevokeTimeout = 200 * time.Millisecond
	finish := make(chan struct{})
	var handlers [2]atomic.Int32
	runSource(t, slow, l, "g", func(ctx context.Context, r *eventlog.Reader) error {
		handlers[r.Partition()].Add(1)
		defer handlers[r.Partition()].Add(-1)
		w.set("slow", r.Partition(), true, nil)
		<-ctx.Done()
		w.set("slow", r.Partition(), false, context.Cause(ctx))
		if errors.Is(context.Cause(ctx), eventlog.ErrRevoked) {
			<-finish
		}
		return nil
	})
	w.until(t, "slow has both", func() bool { return len(w.of("slow")) == 2 })
	_, stop := runSource(t, cfg, l, "g", w.handler("quick"))
	w.until(t, "quick has one, though slow has not finished", func() bool { return len(w.of("quick")) == 1 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	w.never(t, "a partition has two handlers in one source", func() bool {
		return handlers[0].Load() > 1 || handlers[1].Load() > 1
	})
	close(finish)
	w.until(t, "slow has both again", func() bool { return len(w.of("slow")) == 2 })
}

func TestGroupRefused(t *testing.T) {
	b, cfg := startBroker(t, "")
	l := ensureEvents(t, cfg, 1)
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.GroupAuthorizationFailed, TopLevel: true, Count: -1})
	s, err := eventlog.NewSource(cfg, l, "g")
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(testContext(t), newWatch().handler("a"))
	if !errors.Is(err, kerr.GroupAuthorizationFailed) {
		t.Errorf("run: %v", err)
	}
	wrong := cfg
	wrong.Password = "wrong"
	if s, err = eventlog.NewSource(wrong, l, "g"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Run(ctx, newWatch().handler("a")); !errors.Is(err, kerr.SaslAuthenticationFailed) {
		t.Errorf("run with a wrong password: %v", err)
	}
}
