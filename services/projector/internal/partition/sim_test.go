package partition_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

const simPartitions = 4

var (
	errDead = errors.New("the process is dead")
	errAway = errors.New("it is away")
)

// sim is a log with several partitions, a database, and the processes that fold
// one into the other. It says who gets which partition, in the group's place.
type sim struct {
	t      *testing.T
	rng    *rand.Rand
	dir    string
	logs   [simPartitions]*memoryLog
	book   *decisions.Book
	judge  func(*room.View, *events.Event, time.Time) (room.Changes, room.Verdict)
	procs  []*process
	owner  [simPartitions]*process
	leave  sync.WaitGroup // owners that were told to end, but are not waited for
	faults faults

	poisoned bool // judge is not the fold's
	observer readmodel.Store

	mu   sync.Mutex
	told []readmodel.EventRow // by the timeline
}

// faults are what goes wrong for everyone.
type faults struct {
	mu       sync.Mutex
	database bool    // it is away
	log      bool    // it is away
	errors   float64 // how many statements fail
}

func (f *faults) set(change func(*faults)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *faults) logAway() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log
}

// process is a projector: a store of its own, and owners.
type process struct {
	sim    *sim
	name   string
	config partition.Config
	owners map[events.Partition]*ownership

	mu     sync.Mutex
	rng    *rand.Rand
	dead   bool
	dies   int           // after so many statements; 0: not
	frozen chan struct{} // closed when it goes on; nil: it does
}

type ownership struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{t: t, rng: rand.New(rand.NewPCG(seed, 5)), dir: t.TempDir(), book: newBook(t), judge: room.Apply}
	for p := range s.logs {
		s.logs[p] = newLog()
		s.logs[p].partition = events.Partition(p)
		s.logs[p].away = s.faults.logAway
	}
	s.observer = s.openDatabase(s.dir, nil)
	t.Cleanup(s.stop)
	return s
}

// append puts records where they belong; what is no event, anywhere.
func (s *sim) append(records ...roomtest.Record) {
	for _, r := range records {
		p := s.rng.IntN(simPartitions)
		if _, err := events.Decode(r.Message); err == nil {
			p = int(eventlog.PartitionOf(r.Message.Key, simPartitions))
		}
		s.logs[p].append(r)
	}
}

// openDatabase opens the one database, for a process of its own.
func (s *sim) openDatabase(dir string, fault func(string) error) readmodel.Store {
	store, err := sqlite.Open(s.t.Context(), sqlite.Config{Dir: dir, Version: 1, Fault: fault})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = store.Close() })
	return store
}

func (s *sim) configOf(store readmodel.Store) partition.Config {
	c := configBy(store, s.book)
	c.Layout.Partitions = simPartitions
	c.Judge = s.judge
	return c
}

// start starts a process that has no partition yet.
func (s *sim) start() *process {
	p := &process{
		sim: s, name: fmt.Sprint("projector-", len(s.procs)), owners: map[events.Partition]*ownership{},
		rng: rand.New(rand.NewPCG(s.rng.Uint64(), 6)),
	}
	p.config = s.configOf(s.openDatabase(s.dir, p.fault))
	p.config.Owner = p.name
	p.config.MaxBatch = batchSize(s.rng)
	p.config.RoomCache = 1 + s.rng.IntN(6)
	p.config.Slots = make(chan struct{}, 1+s.rng.IntN(simPartitions))
	p.config.Announce = p.tell
	s.procs = append(s.procs, p)
	return p
}

// batchSize is between 1 and 2,000, any order of magnitude as likely as another.
func batchSize(rng *rand.Rand) int {
	most := []int{1, 10, 100, 2000}[rng.IntN(4)]
	return 1 + rng.IntN(most)
}

// fault is asked before each statement, and after each commit.
func (p *process) fault(statement string) error {
	p.mu.Lock()
	frozen := p.frozen
	p.mu.Unlock()
	if frozen != nil && statement == "begin" { // before it has SQLite's only lock
		<-frozen
	}
	f := &p.sim.faults
	f.mu.Lock()
	away, rate := f.database, f.errors
	f.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dies > 0 {
		p.dies--
		p.dead = p.dies == 0
	}
	switch {
	case p.dead:
		return errDead
	case away:
		return errAway
	case p.rng.Float64() < rate:
		return errInjected
	}
	return nil
}

// tell is the timeline. What it is told the tables must hold already.
func (p *process) tell(c partition.Commit) {
	if p.isDead() || len(c.Events) == 0 {
		return
	}
	told := toldOf(c)
	p.sim.checkTold(told[len(told)-1:])
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.sim.told = append(p.sim.told, told...)
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

func (p *process) isFrozen() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.frozen != nil
}

// die kills the process, after a number of statements.
func (p *process) die(after int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dies, p.dead = after, after == 0
}

// freeze stops the process before its next transactions, until thaw.
func (p *process) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen == nil {
		p.frozen = make(chan struct{})
	}
}

func (p *process) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen != nil {
		close(p.frozen)
		p.frozen = nil
	}
}

// own begins to fold a partition.
func (p *process) own(n events.Partition) {
	o, err := partition.NewOwner(p.config, &memoryReader{memoryLog: p.sim.logs[n], rng: rand.New(rand.NewPCG(p.sim.rng.Uint64(), 7))})
	if err != nil {
		p.sim.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	mine := &ownership{cancel: cancel, done: make(chan struct{})}
	p.owners[n] = mine
	go func() {
		defer close(mine.done)
		if err := o.Run(ctx); err != nil {
			p.sim.t.Errorf("Run: %v", err)
		}
	}()
}

// assign gives a partition to a process. The one that has it finishes its batch
// before, as in a revocation, or goes on for a while without knowing.
func (s *sim) assign(n events.Partition, to *process, zombie time.Duration) {
	if before := s.owner[n]; before != nil {
		o := before.owners[n]
		delete(before.owners, n)
		end := func() { o.cancel(); <-o.done }
		if zombie == 0 && !before.isFrozen() {
			end()
		} else {
			s.leave.Go(func() { time.Sleep(zombie); end() })
		}
	}
	s.owner[n] = to
	if to != nil {
		to.own(n)
	}
}

// alive are the processes that could have partitions.
func (s *sim) alive() []*process {
	return slices.DeleteFunc(slices.Clone(s.procs), (*process).isDead)
}

// rebalance gives partitions of the dead to the living, and moves some others.
func (s *sim) rebalance(moved int, zombie time.Duration) {
	alive := s.alive()
	for len(alive) == 0 {
		alive = append(alive, s.start())
	}
	for n := range s.owner {
		switch at := s.owner[n]; {
		case at == nil || at.isDead():
		case moved > 0 && s.rng.IntN(simPartitions) < moved:
		default:
			continue
		}
		s.assign(events.Partition(n), alive[s.rng.IntN(len(alive))], zombie)
	}
}

// stop ends all owners.
func (s *sim) stop() {
	for _, p := range s.procs {
		p.thaw()
	}
	for n := range s.owner {
		s.assign(events.Partition(n), nil, 0)
	}
	s.leave.Wait()
}
