package cluster_test

import (
	"context"
	"fmt"
	mathrand "math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/crashpoint"
	"github.com/roomlog/roomlog/services/roomlog/e2e/points"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// mostProjectors is how many run at a time in a random history.
const mostProjectors = 6

// histories plays random histories under load: one to six projectors with batches
// of any size, some of which die at a crash point; they are killed, frozen and
// joined by others, their connections to the database are cut, a broker or the
// database goes away and comes back. CLUSTER_HISTORY repeats one that failed.
func (d *deployment) histories(t *testing.T) {
	bin := proc.BuildTagged(t, module+"projector/cmd/projector", points.Tag)
	only := proc.Number(t, "CLUSTER_HISTORY", 0)
	for range proc.Number(t, "CLUSTER_HISTORIES", 2) {
		seed := only
		if seed == 0 {
			seed = int(d.rng.Uint32())
		}
		t.Run(fmt.Sprintf("CLUSTER_HISTORY=%d", seed), func(t *testing.T) {
			h := &randomHistory{d, mathrand.New(mathrand.NewPCG(uint64(seed), 4)), bin}
			h.play(t)
		})
		if t.Failed() {
			return
		}
	}
}

type randomHistory struct {
	*deployment
	rng *mathrand.Rand
	bin string
}

func (h *randomHistory) play(t *testing.T) {
	before := h.projectors
	h.projectors = nil
	var did []string
	h.underLoad(t, func() {
		for range 1 + h.rng.IntN(mostProjectors) {
			h.add()
		}
		for _, p := range before {
			p.Kill9()
		}
		for range 3 + h.rng.IntN(4) {
			did = append(did, h.torment(t))
			pause(t.Context(), time.Duration(h.rng.IntN(2000))*time.Millisecond)
		}
		h.projectors = append(h.projectors, h.startProjector(t)) // one that does not die
	})
	t.Logf("figure: random history: %d projectors, %v", len(h.projectors), did)
	for _, p := range h.projectors { // those that may die are not for other tests
		p.Kill9()
	}
	h.replace(t)
}

// add starts a projector with batches of a random size; every other one will die
// at a crash point.
func (h *randomHistory) add() {
	spec := proc.Spec{Bin: h.bin, Args: append(h.projectorArgs(), "--max-batch", strconv.Itoa(1+h.rng.IntN([]int{1, 10, 100, 2000}[h.rng.IntN(4)])))}
	if all := crashpoint.OfBatch(); h.rng.IntN(2) == 0 {
		spec.Env = []string{points.At(all[h.rng.IntN(len(all))], 1+h.rng.IntN(300))}
	}
	h.projectors = append(h.projectors, proc.StartSpec(h.all, spec))
}

// torment does one thing that may happen.
func (h *randomHistory) torment(t *testing.T) string {
	p := h.projectors[h.rng.IntN(len(h.projectors))]
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var err error
	switch n := h.rng.IntN(10); {
	case n < 2:
		p.Kill9()
		return "killed"
	case n < 4 && p.Pause() == nil: // it may have died
		pause(ctx, time.Duration(100+h.rng.IntN(4000))*time.Millisecond)
		_ = p.Continue()
		return "frozen"
	case n < 6:
		h.exec(t, "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()")
		return "connections cut"
	case n == 6:
		broker := h.servers.Broker(h.rng.IntN(3))
		if err = broker.Kill(); err == nil {
			pause(ctx, time.Second)
			err = broker.Start(ctx)
		}
		if err == nil {
			err = h.servers.AwaitInSync(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		return "broker restarted"
	case n == 7:
		database := h.servers.Postgres()
		if err = database.Stop(); err == nil {
			pause(ctx, time.Second)
			err = database.Start(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		return "database restarted"
	}
	h.add()
	return "added"
}
