package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/roomlog/roomlog/deployments/cluster"
	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/deployments/kafka"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

// TestBrokerKilled kills one of three brokers under load, and brings it back. All
// that was acknowledged stands where it was said to stand, in order; senders wait
// no longer than the broker's session and three seconds; readers go on.
func TestBrokerKilled(t *testing.T) {
	c := clustertest.Start(t, cluster.Config{Brokers: 3})
	cfg := eventlog.Config{Brokers: c.Brokers(), Topic: clustertest.Topic("events"), Logger: testLogger(t)}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	const partitions, senders = 6, 24
	l, err := eventlog.EnsureTopic(ctx, cfg, cfg.EventsTopicSpec(partitions, 3, 2))
	if err != nil {
		t.Fatal(err)
	}
	p := newPublisher(t, cfg, l)
	load := newLoad(ctx, t, p, senders)
	seen := follow(ctx, t, cfg, l)

	load.until(t, 20*senders)
	if err := c.Broker(1).Kill(); err != nil {
		t.Fatal(err)
	}
	load.until(t, 40*senders)
	if err := c.Broker(1).Start(ctx); err != nil {
		t.Fatal(err)
	}
	load.until(t, 60*senders)
	acked, slowest := load.stop()

	most := kafka.SessionTimeoutMillis*time.Millisecond + 10*time.Second
	t.Logf("%d acknowledged, the slowest after %s", len(acked), slowest)
	if slowest > most {
		t.Errorf("a sender waited %s, the most is %s", slowest, most)
	}
	found := seen(len(acked))
	for pos, m := range acked {
		if got, ok := found[pos]; !ok || string(got.Value) != string(m.Value) || string(got.Key) != string(m.Key) {
			t.Errorf("%s was acknowledged at %d/%d, where %q stands", m.Value, pos.Partition, pos.Offset, got.Value)
		}
	}
}

// load is senders that each publish one event after the other.
type load struct {
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	mu      sync.Mutex
	more    *sync.Cond
	acked   published
	slowest time.Duration
}

func newLoad(ctx context.Context, t *testing.T, p *eventlog.Publisher, senders int) *load {
	ld := &load{acked: published{}}
	ld.more = sync.NewCond(&ld.mu)
	ctx, ld.cancel = context.WithCancel(ctx)
	for s := range senders {
		ld.wg.Go(func() {
			last := map[events.Partition]events.Offset{}
			for n := 0; ctx.Err() == nil; n++ {
				m := event(fmt.Sprint("sender", s), n)
				begun := time.Now()
				// It is finished even when the load stops: what is
				// acknowledged then is counted.
				pos, err := p.Publish(context.WithoutCancel(ctx), m)
				if err != nil {
					t.Errorf("publish: %v", err)
					return
				}
				if before, ok := last[pos.Partition]; ok && pos.Offset <= before {
					t.Errorf("sender %d: offset %d after %d", s, pos.Offset, before)
				}
				last[pos.Partition] = pos.Offset
				ld.mu.Lock()
				ld.acked[pos] = m
				ld.slowest = max(ld.slowest, time.Since(begun))
				ld.mu.Unlock()
				ld.more.Broadcast()
			}
		})
	}
	return ld
}

// until waits for that many more acknowledgements.
func (ld *load) until(t *testing.T, n int) {
	t.Helper()
	timeout := time.AfterFunc(time.Minute, func() {
		t.Error("no acknowledgements for a minute")
		ld.cancel()
		ld.more.Broadcast()
	})
	defer timeout.Stop()
	ld.mu.Lock()
	defer ld.mu.Unlock()
	for from := len(ld.acked); len(ld.acked) < from+n && !t.Failed(); {
		ld.more.Wait()
	}
}

func (ld *load) stop() (published, time.Duration) {
	ld.cancel()
	ld.wg.Wait()
	return ld.acked, ld.slowest
}

// follow reads all partitions while the log grows; what it gives waits until it
// has seen that many records, and ends it.
func follow(ctx context.Context, t *testing.T, cfg eventlog.Config, l eventlog.Layout) func(int) published {
	ctx, cancel := context.WithCancel(ctx)
	t.Cleanup(cancel)
	records := make(chan []eventlog.Record)
	var wg sync.WaitGroup
	for p := range events.Partition(l.Partitions) {
		wg.Go(func() {
			r := eventlog.NewReader(cfg, l, p)
			defer r.Close()
			for {
				got, err := r.Read(ctx, 500)
				if errors.Is(err, context.Canceled) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				records <- got
			}
		})
	}
	found, done := published{}, make(chan struct{})
	want := make(chan int, 1)
	go func() {
		defer close(done)
		enough, more := -1, true
		for more {
			select {
			case enough = <-want:
			case got := <-records:
				for _, r := range got {
					found[l.Position(r.Partition, r.Offset)] = r.Message
				}
			case <-ctx.Done():
				more = false
			}
			if enough >= 0 && len(found) >= enough {
				cancel()
				more = false
			}
		}
		go func() {
			for range records { //nolint:revive // let the readers go
			}
		}()
		wg.Wait()
		close(records)
	}()
	return func(n int) published {
		want <- n
		<-done
		return found
	}
}
