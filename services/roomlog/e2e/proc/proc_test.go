package proc_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sh(script string) proc.Spec { return proc.Spec{Bin: "/bin/sh", Args: []string{"-c", script}} }

func TestReadyIsTheAddress(t *testing.T) {
	p := proc.StartSpec(t, sh("echo starting; echo ready http://127.0.0.1:1; exec sleep 60"))
	if url := p.MustReady(t); url != "http://127.0.0.1:1" {
		t.Fatalf("url %q", url)
	}
	if url := p.MustReady(t); url != "http://127.0.0.1:1" {
		t.Fatalf("second call: %q", url)
	}
}

func TestReadyFailsWhereTheProgramEnds(t *testing.T) {
	p := proc.StartSpec(t, sh("echo the disk is full >&2; exit 3"))
	_, err := p.Ready(t.Context())
	if !errors.Is(err, proc.ErrExited) || !strings.Contains(err.Error(), "exit code 3") ||
		!strings.Contains(err.Error(), "the disk is full") {
		t.Fatalf("error: %v", err)
	}
}

func TestKillAndStop(t *testing.T) {
	p := proc.StartSpec(t, sh("exec sleep 60"))
	p.Kill9()
	if code, err := p.Wait(t.Context()); code != 128+9 || err != nil {
		t.Fatalf("killed: code %d, error %v", code, err)
	}
	p = proc.StartSpec(t, sh("trap 'echo bye; exit 0' TERM; echo ready x; while :; do sleep 0.01; done"))
	p.MustReady(t)
	p.MustStop(t)
	if !strings.HasSuffix(p.Stdout(), "bye\n") {
		t.Fatalf("stdout %q", p.Stdout())
	}
}

func TestPauseFreezes(t *testing.T) {
	p := proc.StartSpec(t, sh("trap 'exit 0' TERM; echo ready x; while :; do sleep 0.01; done"))
	p.MustReady(t)
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if code, err := p.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a frozen program stopped: code %d, error %v", code, err)
	}
	if err := p.Continue(); err != nil {
		t.Fatal(err)
	}
	if code, err := p.Wait(t.Context()); code != 0 || err != nil {
		t.Fatalf("continued: code %d, error %v", code, err)
	}
}

func TestRunGivesTheResult(t *testing.T) {
	r := proc.Run(t, sh("echo out; echo err >&2; exit 2"))
	if r != (proc.Result{Code: 2, Stdout: "out\n", Stderr: "err\n"}) {
		t.Fatalf("%+v", r)
	}
}
