package chattest

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/chat"
)

// TestSecret signs the tokens of tests.
const TestSecret = "0123456789abcdef0123456789abcdef"

// World is a running API and what is around it.
type World struct {
	T       testing.TB
	Log     *Log
	Store   *Store
	Service *chat.Service
	Metrics *prometheus.Registry
	URL     string

	bus  *gochannel.GoChannel
	stop context.CancelFunc
	done *errgroup.Group

	mu     sync.Mutex
	passed time.Duration // that tests have let pass
	open   chan struct{} // closed while the projector may fold
	drop   func(c timeline.Commit) bool
	parked func(e *events.Event) bool
	// discarded are those that an operator has discarded.
	discarded func(e *events.Event) bool
	// released are rooms to be released.
	released []events.RoomID
}

// Start runs an API on its own log and read model until the test ends.
func Start(t testing.TB, change ...func(*chat.Config)) *World {
	t.Helper()
	inner := open(t)
	w := &World{
		T: t, Log: NewLog(), Store: &Store{Store: inner},
		bus: gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: 1024}, watermill.NopLogger{}),
	}
	w.Log.now = w.Now
	w.Resume()
	w.serve(change, w.project)
	t.Cleanup(func() {
		w.Stop()
		_ = w.bus.Close()
	})
	return w
}

// Replica runs another API on the same log and read model until the test ends.
func (w *World) Replica(change ...func(*chat.Config)) *World {
	w.T.Helper()
	other := &World{T: w.T, Log: w.Log, Store: &Store{Store: w.Store.Store}, bus: w.bus}
	other.serve(change)
	w.T.Cleanup(other.Stop)
	return other
}

// serve runs the API, and what else there is beside it, until Stop.
func (w *World) serve(change []func(*chat.Config), beside ...func(context.Context) error) {
	w.T.Helper()
	cfg := chat.Config{Listen: "127.0.0.1:0", Secret: chat.Secret(TestSecret), StopTimeout: 2 * time.Second}
	for _, c := range change {
		c(&cfg)
	}
	w.Metrics = prometheus.NewRegistry()
	var err error
	w.Service, err = chat.New(cfg, chat.Deps{
		Log: w.Log, Store: w.Store, Timeline: w.bus, Ephemeral: w.bus, Now: w.Log.now, Metrics: w.Metrics, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.T.Fatal(err)
	}
	l, err := cfg.ListenAPI(w.T.Context())
	if err != nil {
		w.T.Fatal(err)
	}
	w.URL = "http://" + l.Addr().String()
	var ctx context.Context
	ctx, w.stop = context.WithCancel(context.Background())
	w.done = new(errgroup.Group)
	w.done.Go(func() error { return w.Service.Run(ctx, l) })
	for _, run := range beside {
		w.done.Go(func() error { return run(ctx) })
	}
}

// Stop stops the API and waits for it.
func (w *World) Stop() {
	w.stop()
	if err := w.done.Wait(); err != nil {
		w.T.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// Hold keeps the projector from folding; Resume lets it go on.
func (w *World) Hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = make(chan struct{})
}

// Resume lets the projector fold.
func (w *World) Resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = make(chan struct{})
	}
	select {
	case <-w.open:
	default:
		close(w.open)
	}
}

// Now is the time of the world: of the API and of the log.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.passed)
}

// Pass lets time go by.
func (w *World) Pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passed += d
}

func (w *World) gate() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open
}

// Park makes the projector park the events that f picks.
func (w *World) Park(f func(e *events.Event) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked = f
}

// Discard makes the projector treat the events that f picks as an operator has it
// who discards them.
func (w *World) Discard(f func(e *events.Event) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.discarded = f
}

func (w *World) discards(e *events.Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.discarded != nil && w.discarded(e)
}

func (w *World) parks(e *events.Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.parked != nil && w.parked(e)
}

// Drop has the timeline lose the commits that f picks; nil: none.
func (w *World) Drop(f func(c timeline.Commit) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop = f
}

func (w *World) tell(c timeline.Commit) {
	w.mu.Lock()
	lost := w.drop != nil && w.drop(c)
	w.mu.Unlock()
	if lost {
		return
	}
	m, err := timeline.NewMessage(c)
	if err != nil {
		w.T.Error(err)
		return
	}
	_ = w.bus.Publish(timeline.DefaultTopic, m) // closed at the end of the test
}

var _ message.Subscriber = (*gochannel.GoChannel)(nil)

// Followers is how many streams and long polls there are.
func (w *World) Followers() int { return w.Service.Followers() }

// PartitionOf is the partition of a room.
func (w *World) PartitionOf(r events.RoomID) events.Partition {
	return eventlog.PartitionOf(events.Key(events.DefaultTenant, r), Partitions)
}
