package rebuild

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

const (
	module = "github.com/roomlog/roomlog/services/"
	// patience bounds what must happen at some time; folding takes longer.
	patience = 90 * time.Second
	poll     = 10 * time.Millisecond
	// aside is how long the load goes on before and after the rebuild.
	aside = 2 * time.Second
)

func TestMain(m *testing.M) { proc.VerifyTestMain(m) }

// TestRebuild is on a data directory that one process has, and on brokers and a
// database with two replicas of the API and two projectors. What is killed is the
// rebuild: with a projector, reads of one's own writes would wait for its session.
func TestRebuild(t *testing.T) {
	seed := uint64(proc.Number(t, "REBUILD_SEED", int(rand.Uint32())))
	t.Logf("figure: rebuild seed: REBUILD_SEED=%d", seed)
	for name, start := range map[string]func(*testing.T) *installation{"embedded": startEmbedded, "kafka": startKafka} {
		t.Run(name, func(t *testing.T) {
			rebuild(t, start(t), rand.New(rand.NewPCG(seed, 7)))
		})
	}
}

func rebuild(t *testing.T, in *installation, rng *rand.Rand) {
	events := proc.Number(t, "REBUILD_EVENTS", 20_000)
	began := time.Now()
	in.fill(t, events)
	t.Logf("figure: rebuild: %d events in the log after %s", events, time.Since(began).Round(time.Millisecond))
	in.awaitFolded(t, readmodel.DefaultVersion)
	t.Logf("figure: rebuild: folded for the first time after %s", time.Since(began).Round(time.Millisecond))

	load := startLoad(t, in, proc.Number(t, "REBUILD_RATE", 100))
	defer load.stop()
	load.goOn(aside)
	began = time.Now()
	kills := in.rebuildAndKill(t, rng, proc.Number(t, "REBUILD_KILLS", 2))
	took := time.Since(began)
	load.goOn(aside)
	load.end(t)
	if t.Failed() {
		return
	}
	t.Logf("figure: rebuild: killed %d times, live after %s: %.0f events/s", kills, took.Round(time.Millisecond), float64(events)/took.Seconds())

	began = time.Now()
	in.awaitFolded(t, 1) // the one before goes on being folded
	in.awaitFolded(t, 2)
	rows := equalTables(t, in.open(t, 1), in.open(t, 2))
	t.Logf("figure: rebuild: %d rows are equal in both versions, compared in %s", rows, time.Since(began).Round(time.Millisecond))
	load.checkAcknowledged(t)
}

// rebuildAndKill rebuilds, in two commands at once, kills one of them at random
// moments of the progress, and starts it again each time; the other one may be done
// before it does. It gives the number of kills, when the new version is live.
func (in *installation) rebuildAndKill(t *testing.T, rng *rand.Rand, kills int) (killed int) {
	t.Helper()
	moments := make([]float64, kills)
	for i := range moments {
		moments[i] = rng.Float64()
	}
	slices.Sort(moments)
	commands := []*proc.Process{in.startRebuild(t), in.startRebuild(t)}
	for _, moment := range moments {
		if !in.awaitProgress(t, moment, commands) {
			break
		}
		n := rng.IntN(len(commands))
		commands[n].Kill9()
		commands[n] = in.startRebuild(t, "--resume")
		killed++
	}
	for _, c := range commands {
		ctx, cancel := context.WithTimeout(t.Context(), foldingTime(t))
		defer cancel()
		code, err := c.Wait(ctx)
		if err != nil || code != 0 {
			t.Fatalf("rebuild: %v, exit code %d: %s%s", err, code, c.Stdout(), c.Stderr())
		}
	}
	if live := in.liveVersion(t); live != 2 {
		t.Errorf("version %d is live", live)
	}
	if killed == 0 && kills > 0 {
		t.Error("it was done before it could be killed: give it more events")
	}
	return killed
}

// awaitProgress waits until so much of the log has been folded into the new
// version. False says that the rebuild is done already.
func (in *installation) awaitProgress(t *testing.T, part float64, commands []*proc.Process) bool {
	t.Helper()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for deadline := time.After(foldingTime(t)); ; {
		for _, c := range commands {
			select {
			case <-c.Done():
				return false
			default:
			}
		}
		if done, total := in.progress(t, 2); done > 0 && float64(done) >= part*float64(total) {
			return true
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it does not get to %.0f %% in time", 100*part)
		}
	}
}

// foldingTime bounds how long the log may take to be folded: generous, since it
// only bounds a failure.
func foldingTime(t *testing.T) time.Duration {
	return patience + time.Duration(proc.Number(t, "REBUILD_EVENTS", 20_000))*time.Millisecond
}
