// Package e2e_test starts the real program as a user would and looks at what
// comes out: files, pipes, signals, exit codes and HTTP.
package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

const program = "github.com/roomlog/roomlog/services/roomlog/cmd/roomlog"

func TestMain(m *testing.M) {
	code := m.Run()
	proc.Clean()
	os.Exit(code)
}

func bin(t *testing.T) string {
	t.Helper()
	return proc.Build(t, program)
}

// start runs everything on a data directory and waits until it serves.
func start(t *testing.T, data string, more ...string) (*proc.Process, string) {
	t.Helper()
	p := proc.Start(t, bin(t), append([]string{
		"run", "--data", data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
	}, more...)...)
	return p, p.MustReady(t)
}

// as is a client for a person, with a token of the data directory.
func as(t *testing.T, base, data, user string) *client.Client {
	t.Helper()
	c := client.New(base, proc.Output(t, bin(t), "token", user, "--data", data))
	t.Cleanup(c.Close)
	return c
}

// mustFail runs the program and wants one clear line and exit code 1.
func mustFail(t *testing.T, says string, args ...string) {
	t.Helper()
	wantExit(t, 1, says, args...)
}

func wantExit(t *testing.T, code int, says string, args ...string) {
	t.Helper()
	r := proc.Run(t, proc.Spec{Bin: bin(t), Args: args})
	lines := strings.Split(strings.TrimSuffix(r.Stderr, "\n"), "\n")
	last := lines[len(lines)-1]
	if code == 2 { // a hint follows
		lines = lines[:1]
		last = lines[0]
	}
	if r.Code != code || r.Stdout != "" || len(lines) != 1 || !strings.HasPrefix(last, "roomlog: ") || !strings.Contains(last, says) {
		t.Errorf("%s: exit code %d, want %d; stdout %q; stderr, which should be one line that says %q:\n%s",
			strings.Join(args, " "), r.Code, code, r.Stdout, says, r.Stderr)
	}
}

// bash runs a script as someone who pastes it, and gives what it prints.
func bash(t *testing.T, script string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

func excerpts(t *testing.T) []string {
	t.Helper()
	dir := filepath.Join("..", "internal", "irc", "testdata")
	if whole := os.Getenv("IRC_DIR"); whole != "" {
		dir = whole
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.raw.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d logs in %s, error %v", len(paths), dir, err)
	}
	return paths
}
