package proc

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Timeouts of the testing functions: generous, since they only bound a failure.
const (
	readyTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second
	buildTimeout = 10 * time.Minute
)

// Start launches a program for the length of a test. What is left of it at the
// test's end is killed; where the test failed, its stderr is logged.
func Start(t testing.TB, bin string, args ...string) *Process {
	t.Helper()
	return StartSpec(t, Spec{Bin: bin, Args: args})
}

// StartSpec is [Start] with an environment or a directory.
func StartSpec(t testing.TB, s Spec) *Process {
	t.Helper()
	p, err := Launch(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill9()
		if t.Failed() {
			t.Logf("stderr of %s %s:\n%s", filepath.Base(s.Bin), strings.Join(s.Args, " "), p.Stderr())
		}
	})
	return p
}

// MustReady is [Process.Ready] with a generous deadline.
func (p *Process) MustReady(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), readyTimeout)
	defer cancel()
	url, err := p.Ready(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// MustStop is [Process.Stop]; an exit code other than 0 fails the test. It
// returns how long it took.
func (p *Process) MustStop(t testing.TB) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), stopTimeout)
	defer cancel()
	began := time.Now()
	code, err := p.Stop(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if code != 0 {
		t.Fatalf("exit code %d after SIGTERM, stderr: %s", code, p.StderrTail())
	}
	return time.Since(began)
}

// Result is how a program that was run to its end did.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Run runs a program to its end.
func Run(t testing.TB, s Spec) Result {
	t.Helper()
	p, err := Launch(s)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill9()
	code, err := p.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return Result{Code: code, Stdout: p.Stdout(), Stderr: p.Stderr()}
}

// Output runs a program to its end, fails the test unless the exit code is 0,
// and returns what it printed on stdout, without the last line's end.
func Output(t testing.TB, bin string, args ...string) string {
	t.Helper()
	r := Run(t, Spec{Bin: bin, Args: args})
	if r.Code != 0 {
		t.Fatalf("%s %s: exit code %d, stderr: %s", filepath.Base(bin), strings.Join(args, " "), r.Code, r.Stderr)
	}
	return strings.TrimRight(r.Stdout, "\n")
}

var (
	buildMu sync.Mutex
	built   = map[string]string{} // package and tags → file
)

// Build compiles a program once per test binary and returns the file. The
// package is a path that the go command understands from the test's directory,
// for example "github.com/roomlog/roomlog/services/roomlog/cmd/roomlog". Where
// the environment has ROOMLOG_TEST_BIN, a directory, programs are taken from
// there instead. [Clean] removes what was built.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	if dir := os.Getenv("ROOMLOG_TEST_BIN"); dir != "" {
		return filepath.Join(dir, filepath.Base(pkg))
	}
	return BuildTagged(t, pkg, "")
}

// BuildTagged is [Build] with build tags, separated by commas. It never takes a
// program that was built before the test.
func BuildTagged(t testing.TB, pkg, tags string) string {
	t.Helper()
	buildMu.Lock()
	defer buildMu.Unlock()
	key := pkg + " " + tags
	if bin, ok := built[key]; ok {
		return bin
	}
	dir, err := os.MkdirTemp("", "roomlog-bin-")
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, filepath.Base(pkg))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), buildTimeout)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", tags, "-o", bin, pkg)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		_ = os.RemoveAll(dir)
		t.Fatalf("build %s: %v\n%s", pkg, err, out.String())
	}
	built[key] = bin
	return bin
}

// VerifyTestMain runs the tests of a package, looks for goroutines that they have
// left, and removes the programs that [Build] made.
func VerifyTestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		Clean()
		os.Exit(code)
	}))
}

// Clean removes the programs that [Build] made. Call it at the end of a TestMain
// that is not [VerifyTestMain].
func Clean() {
	buildMu.Lock()
	defer buildMu.Unlock()
	for key, bin := range built {
		_ = os.RemoveAll(filepath.Dir(bin))
		delete(built, key)
	}
}

// Number reads a number, zero or more, from the environment.
func Number(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%s is not a number", name, text)
	}
	return n
}
