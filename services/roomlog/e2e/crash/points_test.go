package crash

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/crashpoint"
	"github.com/roomlog/roomlog/services/roomlog/e2e/points"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// TestCrashPoints lets the program die at each step of a batch, under load, and
// the command that cuts over at each step of that: nothing is lost and nothing
// is there twice.
func TestCrashPoints(t *testing.T) {
	writers := proc.Number(t, "CRASH_WRITERS", 64)
	seed := uint64(proc.Number(t, "CRASH_SEED", int(rand.Uint32())))
	t.Logf("figure: crash points seed: CRASH_SEED=%d CRASH_WRITERS=%d", seed, writers)
	v := &victim{
		bin: proc.BuildTagged(t, program, points.Tag), data: filepath.Join(t.TempDir(), "data"),
		rng: rand.New(rand.NewPCG(seed, 1)),
	}
	url := v.launch(t)
	people := newCrowd(t, v, writers, 50*time.Millisecond, seed)
	defer people.Close()
	people.SetServers(url)
	setUp(t, people)
	all := crashpoint.OfBatch()
	for i, point := range all {
		v.process.MustStop(t)
		people.SetServers(v.launch(t, points.At(point, 5+v.rng.IntN(30)))) // not before it is ready
		stop := load(t, people)
		points.Dies(t, v.process, point)
		stop()
		people.SetServers(v.launch(t))
		v.survive(t, people, i)
	}
	stop := load(t, people)
	points.CutOvers(t, v.rng, func(env []string, args ...string) *proc.Process {
		rebuild := append([]string{"projector", "rebuild", "--data", v.data}, args...)
		return proc.StartSpec(t, proc.Spec{Bin: v.bin, Args: rebuild, Env: env})
	})
	stop()
	v.survive(t, people, len(all))
	v.lastLook(t, people)
	t.Logf("figure: crash points: died at each of %v and %v; %d commands, %d acknowledged, 0 violations",
		all, crashpoint.OfCutOver(), people.Sent(), people.Acked())
}
