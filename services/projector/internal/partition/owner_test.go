package partition_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var logID, topicID = events.LogID{1}, events.LogID{0xd}

func openStore(t *testing.T) readmodel.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func config(store readmodel.Store) partition.Config {
	return configBy(store, newBook(nil))
}

// newBook has these decisions, read to the end.
func newBook(t testing.TB, all ...decisions.Decision) *decisions.Book {
	b := decisions.NewBook()
	for _, d := range all {
		decide(t, b, d)
	}
	b.ReadToEnd(topicID)
	return b
}

func configBy(store readmodel.Store, book *decisions.Book) partition.Config {
	states := partition.NewStates()
	return partition.Config{
		Book:  book,
		Store: store, Layout: eventlog.Layout{Log: logID, Epoch: 1, Partitions: 1}, Owner: "test", Judge: room.Apply,
		MaxBatch: 50, RoomCache: 4, Slots: make(chan struct{}, 2), States: states,
		Announce: func(partition.Commit) {}, Committed: func(events.Partition, events.Offset) {},
		Metrics: partition.NewMetrics(prometheus.NewRegistry(), states), Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	}
}

func newOwner(t *testing.T, c partition.Config, l *memoryLog, seed uint64) *partition.Owner {
	t.Helper()
	o, err := partition.NewOwner(c, &memoryReader{memoryLog: l, rng: rand.New(rand.NewPCG(seed, 1))})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func dumpOf(t *testing.T, s readmodel.Store) []readmodel.DumpRow {
	t.Helper()
	var rows []readmodel.DumpRow
	err := s.Snapshot(t.Context(), func(r readmodel.Reader) error {
		return r.Dump(t.Context(), func(row readmodel.DumpRow) error { rows = append(rows, row); return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func catchUp(t *testing.T, c partition.Config, l *memoryLog, seed uint64) {
	t.Helper()
	if err := newOwner(t, c, l, seed).CatchUp(t.Context(), l.end(), c.Book.Next()); err != nil {
		t.Fatal(err)
	}
}

// until waits until the partition's state is as asked for.
func until(t *testing.T, s *partition.States, what string, ok func(partition.State) bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if all := s.All(); len(all) == 1 && ok(all[0]) {
			return
		}
		<-time.After(time.Millisecond)
	}
	t.Fatalf("not %s in time: %+v", what, s.All())
}

// run runs an owner until the returned function is called.
func run(t *testing.T, o *partition.Owner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func history(seed uint64, n int) []roomtest.Record {
	r := roomtest.NewRoom(failer{}, "alice")
	rng := rand.New(rand.NewPCG(seed, 2))
	users := []events.UserID{"alice", "bob", "carol", "dave"}
	for len(r.Records()) < n {
		u, v := users[rng.IntN(len(users))], users[rng.IntN(len(users))]
		switch rng.IntN(8) {
		case 0:
			r.Join(u)
		case 1:
			r.Leave(v)
		case 2:
			r.Kick(u, v)
		case 3:
			r.BanFor(u, v, time.Duration(rng.IntN(20))*time.Second)
		default:
			r.Post(u, "hello")
		}
	}
	return r.Records()
}

type failer struct{ testing.TB }

func (failer) Helper() {}

// TestSameTablesWhateverHappens folds one history with random batches, restarts,
// failures before and after the commit and rival claims: the tables are those of
// one quiet run.
func TestSameTablesWhateverHappens(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { sameTables(t, seed) }) // back-offs cost no time
	}
}

func sameTables(t *testing.T, seed uint64) {
	l := newLog(history(seed, 300)...)
	quiet := openStore(t)
	catchUp(t, config(quiet), l, seed)
	want := dumpOf(t, quiet)
	if len(want) < 100 {
		t.Fatalf("seed %d: only %d rows, the history tests nothing", seed, len(want))
	}

	rng := rand.New(rand.NewPCG(seed, 4))
	rough := &faulty{Store: openStore(t), rng: rand.New(rand.NewPCG(seed, 3))}
	c := config(rough)
	for range 5 { // restarts
		stop := run(t, newOwner(t, c, l, rng.Uint64()))
		next := events.Offset(rng.IntN(int(l.end())))
		until(t, c.States, "on its way", func(s partition.State) bool { return s.Next >= next })
		stop()
	}
	rough.quiet()
	catchUp(t, c, l, seed)
	if got := dumpOf(t, rough); !slices.Equal(got, want) {
		t.Fatalf("seed %d: tables differ from those of a quiet run: %d rows, want %d", seed, len(got), len(want))
	}
	if rough.faults == 0 {
		t.Errorf("seed %d: no fault was injected", seed)
	}
}

// TestCacheEndsWithTheClaim lets two owners that keep their caches take turns: what
// one has cached is old when its turn comes again.
func TestCacheEndsWithTheClaim(t *testing.T) {
	l := newLog(history(6, 400)...)
	quiet, shared := openStore(t), openStore(t)
	catchUp(t, config(quiet), l, 6)
	c := config(shared)
	c.RoomCache = 100
	owners := []*partition.Owner{newOwner(t, c, l, 1), newOwner(t, c, l, 2)}
	for i, rest := 0, l.end(); i < 20; i++ {
		to := rest * events.Offset(i+1) / 20
		if err := owners[i%2].CatchUp(t.Context(), to, 0); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(dumpOf(t, shared), dumpOf(t, quiet)) {
		t.Error("the tables are not those of one quiet owner")
	}
}

var errInjected = errors.New("injected")

// faulty is a store whose commits fail, before or after they happened, and whose
// partitions are claimed by others now and then.
type faulty struct {
	readmodel.Store
	mu     sync.Mutex
	rng    *rand.Rand
	calm   bool
	faults int
}

func (f *faulty) quiet() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calm = true
}

func (f *faulty) draw() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calm {
		return -1
	}
	n := f.rng.IntN(6)
	if n < 3 {
		f.faults++
	}
	return n
}

func (f *faulty) Fold(ctx context.Context, fence readmodel.Fence, needs readmodel.Needs, fn func(readmodel.Rows) (readmodel.Batch, error)) error {
	switch f.draw() {
	case 0: // rolled back
		return f.Store.Fold(ctx, fence, needs, func(rows readmodel.Rows) (readmodel.Batch, error) {
			if _, err := fn(rows); err != nil {
				return readmodel.Batch{}, err
			}
			return readmodel.Batch{}, errInjected
		})
	case 1: // committed, and nobody knows
		if err := f.Store.Fold(ctx, fence, needs, fn); err != nil {
			return err
		}
		return errInjected
	case 2: // somebody else claims
		if _, err := f.Claim(ctx, fence.Partition, logID, "rival"); err != nil {
			return err
		}
	}
	return f.Store.Fold(ctx, fence, needs, fn)
}

// TestZombieWritesNothing has two owners of one partition: the one that claimed
// first is fenced, whatever it was about to write.
func TestZombieWritesNothing(t *testing.T) {
	l := newLog(history(3, 200)...)
	store := openStore(t)
	first, second := config(store), config(store)
	arrived, resume := make(chan struct{}), make(chan struct{})
	var once sync.Once
	frozen := &gate{Store: store, before: func() { once.Do(func() { close(arrived); <-resume }) }}
	first.Store = frozen
	stop := run(t, newOwner(t, first, l, 1))
	defer stop()
	<-arrived // frozen in its first batch
	catchUp(t, second, l, 2)
	want := dumpOf(t, store)
	close(resume)
	until(t, first.States, "claimed again", func(s partition.State) bool { return s.Phase == partition.Folding && s.Next == l.end() })
	if got := dumpOf(t, store); !slices.Equal(got, want) {
		t.Error("the zombie has written")
	}
	if frozen.fenced != 1 {
		t.Errorf("the zombie's batch was fenced %d times, want once", frozen.fenced)
	}
}

type gate struct {
	readmodel.Store
	before func()
	fenced int
}

func (g *gate) Fold(ctx context.Context, fence readmodel.Fence, needs readmodel.Needs, fn func(readmodel.Rows) (readmodel.Batch, error)) error {
	g.before()
	err := g.Store.Fold(ctx, fence, needs, fn)
	if errors.Is(err, readmodel.ErrFenced) {
		g.fenced++
	}
	return err
}

// TestTimelineIsAChain checks that what is announced leads from commit to commit,
// and carries just what the tables hold.
func TestTimelineIsAChain(t *testing.T) {
	l := newLog(history(4, 200)...)
	store := openStore(t)
	c := config(store)
	var told []readmodel.EventRow
	next := events.Offset(0)
	c.Announce = func(m partition.Commit) {
		if m.Floor != next {
			t.Errorf("commit from %d, the one before led to %d", m.Floor, next)
		}
		next = m.Next
		told = append(told, toldOf(m)...)
	}
	catchUp(t, c, l, 4)
	if next != l.end() {
		t.Errorf("the chain ends at %d, the log at %d", next, l.end())
	}
	err := store.Snapshot(t.Context(), func(r readmodel.Reader) error {
		rows, err := r.Events(t.Context(), readmodel.Key{Tenant: events.DefaultTenant, Room: "lobby"}, 0, nil, 1000)
		if len(rows) == 0 || !slices.Equal(rows, told) {
			t.Errorf("told %d events, the tables have %d, or they differ", len(told), len(rows))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// toldOf gives the events of a commit as a follower gets them: without what is the
// store's own.
func toldOf(c partition.Commit) []readmodel.EventRow {
	told := slices.Clone(c.Events)
	for i := range told {
		told[i].LastMessage, told[i].Posted, told[i].SentUntil = 0, 0, 0
	}
	return told
}

// TestWhatIsLateIsNotTold folds an old log: full batches are not told, the last
// one, which is not full, is, and its floor shows the gap.
func TestWhatIsLateIsNotTold(t *testing.T) {
	l := newLog(history(4, 95)...)
	c := config(openStore(t))
	c.MaxBatch = 10
	var floors []events.Offset
	rest := events.Offset(0) // where the last full batch ends
	c.Announce = func(m partition.Commit) {
		if m.Late != (m.Events == nil && m.Next > m.Floor) {
			t.Errorf("late %v with %d events", m.Late, len(m.Events))
		}
		if m.Late {
			rest = m.Next
		} else if m.Next > m.Floor {
			floors = append(floors, m.Floor)
		}
	}
	o, err := partition.NewOwner(c, &memoryReader{memoryLog: l, rng: rand.New(full{})})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.CatchUp(t.Context(), l.end(), 0); err != nil {
		t.Fatal(err)
	}
	if rest == 0 || len(floors) != 1 || floors[0] != rest {
		t.Errorf("full batches end at %d, told are those from %v", rest, floors)
	}
}

// full is no source of randomness: a reader that has it gives as much as it may.
type full struct{}

func (full) Uint64() uint64 { return 1<<64 - 1 }

// TestBatchesShrinkUntilTheyFit has a database that takes few records in the time
// that it has for a batch.
func TestBatchesShrinkUntilTheyFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog(history(5, 300)...)
		store := openStore(t)
		c := config(&slow{Store: store, most: 6})
		c.MaxBatch = 100
		o, err := partition.NewOwner(c, &memoryReader{memoryLog: l, rng: rand.New(full{})})
		if err != nil {
			t.Fatal(err)
		}
		stop := run(t, o)
		defer stop()
		until(t, c.States, "all is folded", func(s partition.State) bool { return s.Next == l.end() })
	})
}

// slow is a store in which batches take too long.
type slow struct {
	readmodel.Store
	most int
}

func (s *slow) Fold(ctx context.Context, fence readmodel.Fence, needs readmodel.Needs, fn func(readmodel.Rows) (readmodel.Batch, error)) error {
	return s.Store.Fold(ctx, fence, needs, func(rows readmodel.Rows) (readmodel.Batch, error) {
		b, err := fn(rows)
		if err == nil && len(b.Events)+len(b.Outcomes) > s.most {
			err = context.DeadlineExceeded
		}
		return b, err
	})
}
