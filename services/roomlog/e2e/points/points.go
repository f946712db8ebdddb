// Package points lets the real programs die at their crash points. The programs
// have to be built with [Tag].
package points

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/crashpoint"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// Tag is what programs with crash points are built with.
const Tag = "crashpoints"

// killed is the exit code of a program that kill -9 has ended.
const killed = 128 + 9

// patience bounds what must happen at some time.
const patience = 90 * time.Second

// At is the environment that lets a program die at the n-th passing of a point.
func At(p crashpoint.Point, n int) string { return fmt.Sprintf("%s=%s:%d", crashpoint.Variable, p, n) }

// Dies waits until a program has died at its crash point.
func Dies(t *testing.T, p *proc.Process, where crashpoint.Point) {
	t.Helper()
	if code := end(t, p); code != killed {
		t.Fatalf("at %s: exit code %d, stderr: %s", where, code, p.Stderr())
	}
}

func end(t *testing.T, p *proc.Process) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	code, err := p.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// CutOvers rebuilds, dying at one step of the cut-over, and then goes back and
// forth between the versions, dying at each step. Version 1 is live before and
// after, version 2 stays. Start starts `roomlog projector rebuild` with more
// arguments and an environment.
func CutOvers(t *testing.T, rng *rand.Rand, start func(env []string, args ...string) *proc.Process) {
	t.Helper()
	c := cutOvers{start}
	all := crashpoint.OfCutOver()
	c.dies(t, all[rng.IntN(len(all)-1)]) // before the commit: it is gone on with
	c.live(t, 2)
	live := 2
	for _, point := range all {
		c.dies(t, point, "--rollback")
		if point == "control.committed" {
			live = 3 - live
		}
		live = 3 - live
		c.live(t, live, "--rollback")
	}
	if live != 1 {
		t.Fatalf("version %d is live in the end", live)
	}
}

type cutOvers struct {
	start func(env []string, args ...string) *proc.Process
}

func (c cutOvers) dies(t *testing.T, at crashpoint.Point, args ...string) {
	t.Helper()
	if p, code := c.run(t, []string{At(at, 1)}, args...); code != killed {
		t.Fatalf("at %s: exit code %d, stderr: %s", at, code, p.Stderr())
	}
}

func (c cutOvers) live(t *testing.T, version int, args ...string) {
	t.Helper()
	p, code := c.run(t, nil, args...)
	if want := fmt.Sprintf("version %d is live", version); code != 0 || !strings.HasPrefix(p.Stdout(), want) {
		t.Fatalf("exit code %d, it says %q, not %q; stderr: %s", code, p.Stdout(), want, p.Stderr())
	}
}

// run runs the command, again where the other version is behind: nothing was
// begun then.
func (c cutOvers) run(t *testing.T, env []string, args ...string) (*proc.Process, int) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		p := c.start(env, args...)
		code := end(t, p)
		if code != 1 || !strings.Contains(p.Stderr(), "is at offset") || time.Now().After(deadline) {
			return p, code
		}
	}
}
