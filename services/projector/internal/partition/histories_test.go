package partition_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// TestHistories plays random histories: one to six projectors that share four
// partitions, die at any statement, freeze, lose partitions without knowing it,
// meet errors at any statement, a database and a broker that go away, and
// operators who decide. In the end the tables are those of one quiet fold, which
// are those of the oracle, and the timeline has told nothing else.
//
// Environment:
//
//	PROJECTOR_HISTORIES  how many; 25 (make test), 500 (make soak)
//	PROJECTOR_SEED       plays one, which a failure printed, as many times
//
// The seed makes all choices but those of the scheduler, so a history may have to
// be played more than once to fail again.
func TestHistories(t *testing.T) {
	n := int(number(t, "PROJECTOR_HISTORIES", 25))
	seed := number(t, "PROJECTOR_SEED", 0)
	met := map[string]int{}
	for range n {
		this := seed
		if this == 0 {
			this = rand.Uint64()
		}
		synctest.Test(t, func(t *testing.T) { // what is waited for costs no time
			for what, times := range play(t, this) {
				met[what] += times
			}
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("figure: %d histories: %v", n, met)
	for _, what := range []string{"killed", "killed later", "frozen", "moved", "zombies", "database away", "broker away", "told"} {
		if met[what] == 0 && seed == 0 && n >= 20 {
			t.Errorf("no history has met: %s", what)
		}
	}
}

// number reads a number from the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s is not a number", name, text)
	}
	return n
}

// play plays one history and tells what happened in it, and how often.
func play(t *testing.T, seed uint64) map[string]int {
	s, met := newSim(t, seed), map[string]int{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat it with PROJECTOR_SEED=%d: %v", seed, met)
		}
	})
	rest := roomtest.History(roomtest.Config{Records: 50 + s.rng.IntN(500), Garbage: true, Parking: s.rng.IntN(2) == 0}, seed)
	operators := s.rng.IntN(2) == 0
	if s.poisoned = s.rng.IntN(2) == 0; s.poisoned {
		s.judge = poisonJudge
	}
	s.faults.errors = []float64{0, 0.01, 0.1}[s.rng.IntN(3)]
	for range 1 + s.rng.IntN(6) {
		s.start()
	}
	s.rebalance(0, 0)
	for len(rest) > 0 {
		n := min(len(rest), 1+s.rng.IntN(60))
		s.append(rest[:n]...)
		if s.rng.IntN(4) == 0 { // a producer that had no answer
			s.append(rest[s.rng.IntN(n):n]...)
			met["produced again"]++
		}
		rest = rest[n:]
		for range 1 + s.rng.IntN(3) {
			s.torment(met)
			time.Sleep(time.Duration(s.rng.IntN(2000)) * time.Millisecond)
		}
		if operators && s.rng.IntN(3) == 0 {
			s.decide(met)
		}
	}
	s.calm()
	s.awaitFolded()
	s.stop()
	s.check(t)
	met["told"], met["records"] = len(s.told), s.records()
	return met
}

// poisonJudge cannot judge some events, for ever.
func poisonJudge(v *room.View, e *events.Event, at time.Time) (room.Changes, room.Verdict) {
	if strings.HasPrefix(string(e.ID), "00") {
		panic("poison")
	}
	return room.Apply(v, e, at)
}

// torment does one thing that may happen.
func (s *sim) torment(met map[string]int) {
	alive := s.alive()
	var p *process
	if len(alive) > 0 {
		p = alive[s.rng.IntN(len(alive))]
	}
	switch s.rng.IntN(9) {
	case 0:
		if p != nil {
			p.die(0)
			met["killed"]++
		}
	case 1, 2:
		if p != nil {
			p.die(1 + s.rng.IntN(40))
			met["killed later"]++
		}
	case 3:
		if p != nil {
			p.freeze()
			met["frozen"]++
		}
	case 4:
		if p != nil {
			p.thaw()
		}
	case 5:
		s.rebalance(1+s.rng.IntN(simPartitions), 0)
		met["moved"]++
	case 6:
		s.rebalance(1+s.rng.IntN(simPartitions), time.Duration(1+s.rng.IntN(5000))*time.Millisecond)
		met["zombies"]++
	case 7:
		s.faults.set(func(f *faults) { f.database = !f.database })
		met["database away"]++
	case 8:
		s.faults.set(func(f *faults) { f.log = !f.log })
		met["broker away"]++
	}
	if s.rng.IntN(2) == 0 { // else the group has not noticed yet
		if len(s.alive()) < 6 && s.rng.IntN(2) == 0 {
			s.start()
		}
		s.rebalance(0, 0)
	}
}

// decide releases or discards the first record of a blocked room.
func (s *sim) decide(met map[string]int) {
	var blocked []readmodel.DeadLetter
	var seen map[events.Partition]readmodel.Checkpoint
	err := s.observer.Snapshot(s.t.Context(), func(r readmodel.Reader) (err error) {
		if seen, err = checkpointsOf(s.t, r); err == nil {
			blocked, err = r.BlockedRooms(s.t.Context(), 10)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(blocked) == 0 {
		return
	}
	d := blocked[s.rng.IntN(len(blocked))]
	decision := release(d.Room)
	if s.rng.IntN(2) == 0 {
		decision = discard(d, seen[d.Partition].Decisions)
	}
	decision.Tenant, decision.Partition = d.Tenant, d.Partition
	decide(s.t, s.book, decision)
	met["decisions"]++
}

// calm ends all that is wrong and gives all partitions to the living.
func (s *sim) calm() {
	s.faults.set(func(f *faults) { f.database, f.log, f.errors = false, false, 0 })
	for _, p := range s.procs {
		if p.thaw(); !p.isDead() {
			p.die(-1)
		}
	}
	s.rebalance(0, 0)
}

func (s *sim) awaitFolded() {
	for deadline := time.Now().Add(time.Hour); ; time.Sleep(time.Second) {
		var behind []string
		err := s.observer.Snapshot(s.t.Context(), func(r readmodel.Reader) error {
			at, err := checkpointsOf(s.t, r)
			for n, l := range s.logs {
				cp := at[events.Partition(n)]
				if cp.Next < l.end() || len(s.book.Since(cp.Partition, cp.Decisions, s.book.Next())) > 0 {
					behind = append(behind, fmt.Sprintf("%+v, the log ends at %d", cp, l.end()))
				}
			}
			return err
		})
		switch {
		case err != nil:
			s.t.Fatal(err)
		case len(behind) == 0:
			return
		case time.Now().After(deadline):
			s.t.Fatalf("not folded: %v", behind)
		}
	}
}
