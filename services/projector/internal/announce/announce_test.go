package announce

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

type publisher struct {
	mu   sync.Mutex
	got  []timeline.Commit
	fail bool
}

func (p *publisher) Publish(_ string, ms ...*message.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail {
		return errors.New("away")
	}
	for _, m := range ms {
		c, err := timeline.Decode(m)
		if err != nil {
			return err
		}
		p.got = append(p.got, c)
	}
	return nil
}

func (p *publisher) Close() error { return nil }

func (p *publisher) take() []timeline.Commit {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

func row(o events.Offset, size int) readmodel.EventRow {
	return readmodel.EventRow{Offset: o, Facts: "{}", Content: `"` + strings.Repeat("x", size) + `"`}
}

func TestSplitKeepsTheChainAndEveryEvent(t *testing.T) {
	c := partition.Commit{Partition: 3, Epoch: 7, Floor: 10, Next: 50}
	for o := events.Offset(10); o < 40; o += 2 {
		c.Events = append(c.Events, row(o, 60<<10))
	}
	parts := split(c)
	if len(parts) < 3 {
		t.Fatalf("%d bytes in %d messages", 15*60<<10, len(parts))
	}
	floor, n := c.Floor, 0
	for _, p := range parts {
		if p.Floor != floor || p.Epoch != 7 || p.Partition != 3 {
			t.Errorf("a part from %d, want %d: %d/%d", p.Floor, floor, p.Partition, p.Epoch)
		}
		bytes := 0
		for _, e := range p.Events {
			if e.Offset < p.Floor || e.Offset >= p.Next {
				t.Errorf("offset %d in a part from %d to %d", e.Offset, p.Floor, p.Next)
			}
			bytes += size(e)
			n++
		}
		if bytes > maxBytes {
			t.Errorf("a part of %d bytes", bytes)
		}
		floor = p.Next
	}
	if floor != c.Next || n != len(c.Events) {
		t.Errorf("the chain ends at %d with %d events, want %d with %d", floor, n, c.Next, len(c.Events))
	}
	if got := split(partition.Commit{Floor: 4, Next: 9}); len(got) != 1 || got[0].Floor != 4 || got[0].Next != 9 {
		t.Errorf("a commit without events became %+v", got)
	}
}

func start(ctx context.Context, p *publisher, states *partition.States) (*Announcer, func()) {
	a := New(p, timeline.NewMessage, "timeline", 2, states, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = a.Run(ctx) })
	return a, func() { cancel(); wg.Wait() }
}

func TestBeaconsOfWhatIsOwned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, states := &publisher{}, partition.NewStates()
		a, stop := start(t.Context(), p, states)
		defer stop()
		states.Set(1, partition.Folding, "")
		a.Announce(partition.Commit{Partition: 1, Epoch: 4, Floor: 5, Next: 8, Events: []readmodel.EventRow{row(6, 1)}})
		a.Announce(partition.Commit{Partition: 2, Epoch: 9, Floor: 0, Next: 1})
		synctest.Wait()
		if got := p.take(); len(got) != 2 || got[0].Next != 8 || len(got[0].Events) != 1 || got[0].Projection != 2 {
			t.Fatalf("told %+v", got)
		}
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		got := p.take()
		if len(got) != 1 || got[0].Partition != 1 || got[0].Floor != 8 || got[0].Next != 8 || got[0].Epoch != 4 || len(got[0].Events) != 0 {
			t.Errorf("beacons %+v, want one of partition 1 at 8", got)
		}
	})
}

// Events that were parked are older than the checkpoint. However many messages
// they take, each leads to where the chain is.
func TestReleasedEventsKeepTheChain(t *testing.T) {
	big := row(3, 1)
	big.Content = strings.Repeat("x", maxBytes)
	parts := split(partition.Commit{Floor: 9, Next: 9, Decisions: 2, Events: []readmodel.EventRow{big, big, row(4, 2)}})
	if len(parts) != 3 {
		t.Fatalf("%d messages", len(parts))
	}
	for _, p := range parts {
		if p.Floor != 9 || p.Next != 9 || p.Decisions != 2 || len(p.Events) != 1 {
			t.Errorf("floor %d, next %d, decisions %d", p.Floor, p.Next, p.Decisions)
		}
	}
}

func TestLossIsCountedAndQueuedCommitsAreToldAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{fail: true}
		a, stop := start(t.Context(), p, partition.NewStates())
		a.Announce(partition.Commit{Next: 1})
		synctest.Wait()
		if n := testutil.ToFloat64(a.lost); n != 1 {
			t.Errorf("%v lost, want 1", n)
		}
		p.mu.Lock()
		p.fail = false
		p.mu.Unlock()
		for i := range events.Offset(20) {
			a.Announce(partition.Commit{Floor: i, Next: i + 1})
		}
		stop()
		if got := p.take(); len(got) != 20 {
			t.Errorf("%d commits told, want all 20 that were queued", len(got))
		}
	})
}

func TestLateCommitsAreLeftToTheBeacon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, states := &publisher{}, partition.NewStates()
		a, stop := start(t.Context(), p, states)
		defer stop()
		states.Set(1, partition.Folding, "")
		a.Announce(partition.Commit{Partition: 1, Epoch: 4, Floor: 5, Next: 8, Late: true})
		synctest.Wait()
		if got := p.take(); len(got) != 0 {
			t.Errorf("told %+v", got)
		}
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		if got := p.take(); len(got) != 1 || got[0].Floor != 8 || got[0].Next != 8 {
			t.Errorf("beacons %+v, want one at 8", got)
		}
	})
}

func TestAnnounceNeverBlocks(t *testing.T) {
	a := New(&publisher{}, timeline.NewMessage, "timeline", 1, partition.NewStates(), prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	for range queue + 5 {
		a.Announce(partition.Commit{})
	}
	if n := testutil.ToFloat64(a.lost); n != 5 {
		t.Errorf("%v lost, want 5", n)
	}
}

// What was committed while nobody read is a beacon when it is told after all: a
// follower reads the tables and is not made to believe that nothing happened.
func TestMuted(t *testing.T) {
	p := &publisher{}
	a := New(p, timeline.NewMessage, "timeline", 1, partition.NewStates(), prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	a.Mute(true)
	a.publish(partition.Commit{Floor: 1, Next: 4})
	if got := p.take(); len(got) != 0 {
		t.Errorf("told while muted: %+v", got)
	}
	a.Announce(partition.Commit{Floor: 4, Next: 8, Events: []readmodel.EventRow{row(5, 1)}})
	a.Mute(false)
	a.publish(<-a.in)
	if got := p.take(); len(got) != 1 || got[0].Floor != 8 || got[0].Next != 8 || len(got[0].Events) != 0 {
		t.Errorf("told %+v, want a beacon at 8", got)
	}
}
