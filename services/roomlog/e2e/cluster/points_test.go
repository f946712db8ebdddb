package cluster_test

import (
	"testing"

	"github.com/roomlog/roomlog/pkg/crashpoint"
	"github.com/roomlog/roomlog/services/roomlog/e2e/points"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// dying is how many projectors that are to die run at a time, beside those that
// go on: all of them have to get partitions.
const dying = 4

// crashPoints lets projectors die at each step of a batch and of a revocation,
// and the command that cuts over at each step of that.
func (d *deployment) crashPoints(t *testing.T) {
	bin := proc.BuildTagged(t, module+"projector/cmd/projector", points.Tag)
	mortal := func(at crashpoint.Point, n int) *proc.Process {
		return proc.StartSpec(t, proc.Spec{Bin: bin, Args: d.projectorArgs(), Env: []string{points.At(at, n)}})
	}
	d.underLoad(t, func() {
		for all := crashpoint.OfBatch(); len(all) > 0; all = all[min(dying, len(all)):] {
			var running []*proc.Process
			wave := all[:min(dying, len(all))]
			for _, point := range wave {
				running = append(running, mortal(point, 1+d.rng.IntN(30)))
			}
			for i, p := range running {
				points.Dies(t, p, wave[i])
			}
		}
	})
	d.underLoad(t, func() {
		for _, point := range []crashpoint.Point{crashpoint.Revoking, crashpoint.Revoked} {
			p := mortal(point, 1)
			for _, other := range d.projectors {
				other.MustStop(t)
			}
			until(t, "the one that is left has all partitions", func() bool { return len(owns(d.checkpoints(t), p)) == partitions })
			d.replace(t)
			points.Dies(t, p, point)
		}
	})
	roomlog := proc.BuildTagged(t, module+"roomlog/cmd/roomlog", points.Tag)
	rebuild := func(env []string, args ...string) *proc.Process {
		args = append(append([]string{"projector", "rebuild"}, args...), d.backend()[:4]...)
		return proc.StartSpec(t, proc.Spec{Bin: roomlog, Args: args, Env: env})
	}
	d.underLoad(t, func() { points.CutOvers(t, d.rng, rebuild) })
	if r := d.roomlog(t, "projector", "rebuild", "--drop-old"); r.Code != 0 {
		t.Errorf("drop: exit code %d: %s", r.Code, r.Stderr)
	}
	changes, claims := d.checkAudit(t)
	t.Logf("figure: crash points: died at each of %v, of a revocation and of %v; %d changes of checkpoints, %d of them claims",
		crashpoint.OfBatch(), crashpoint.OfCutOver(), changes, claims)
}
