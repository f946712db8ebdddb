package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/deployments/cluster"
)

// All of a cluster's life from the command line. PostgreSQL alone is enough: it starts fast.
func TestUpEnvDown(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a real server; go test without -short starts it")
	}
	dir := filepath.Join(t.TempDir(), "cluster")
	up := []string{"up", "--dir", dir, "--brokers", "0"}
	t.Cleanup(func() { call(t, "down", "--purge", "--dir", dir) })

	code, out, errs := call(t, up...)
	if code != 0 || !strings.Contains(out, "bin/roomlog run") || !strings.Contains(out, "--database 'postgres://") {
		t.Fatalf("up: exit code %d\n%s\n%s", code, out, errs)
	}
	if info, err := os.Stat(filepath.Join(dir, cluster.StateFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the password: %v, %v", info, err)
	}
	code, again, errs := call(t, up...)
	if code != 0 || again != out || !strings.Contains(errs, "already up") {
		t.Errorf("up again: exit code %d\n%s\n%s", code, again, errs)
	}
	code, out, _ = call(t, "env", "--dir", dir)
	if code != 0 || !strings.Contains(out, "export "+cluster.PostgresVariable+"='postgres://") {
		t.Errorf("env: exit code %d\n%s", code, out)
	}
	if code, _, errs := call(t, "up", "--dir", dir, "--brokers", "1"); code != 1 || !strings.Contains(errs, "cannot change") {
		t.Errorf("up with another size: exit code %d\n%s", code, errs)
	}
	if code, _, errs := call(t, "down", "--dir", dir); code != 0 || !strings.Contains(errs, "its data stays") {
		t.Errorf("down: exit code %d\n%s", code, errs)
	}
	if code, _, errs := call(t, "env", "--dir", dir); code != 1 || !strings.Contains(errs, "not up") {
		t.Errorf("env after down: exit code %d\n%s", code, errs)
	}
	if code, _, _ := call(t, "down", "--purge", "--dir", dir); code != 0 {
		t.Errorf("purge: exit code %d", code)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("after the purge: %v", err)
	}
	if code, _, errs := call(t, "down", "--dir", dir); code != 0 || !strings.Contains(errs, "no cluster") {
		t.Errorf("down without a cluster: exit code %d\n%s", code, errs)
	}
}

func TestExec(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a real server; go test without -short starts it")
	}
	script := `case "$` + cluster.PostgresVariable + `" in postgres://*) ;; *) exit 1;; esac; echo from the command; exit 7`
	code, out, errs := call(t, "exec", "--brokers", "0", "--", "sh", "-c", script)
	if code != 7 || out != "from the command\n" {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
}

// A cluster of nothing is started at once: what follows is about the command alone.
func TestExecWithoutServers(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches the servers")
	}
	none := []string{"exec", "--brokers", "0", "--no-postgres", "--"}
	for want, words := range map[int][]string{
		0:   {"sh", "-c", "exit 0"},
		137: {"sh", "-c", "kill -9 $$"},
		1:   {"/no/such/program"},
		2:   nil,
	} {
		if code, out, errs := call(t, append(none, words...)...); code != want {
			t.Errorf("%v: exit code %d, want %d\n%s%s", words, code, want, out, errs)
		}
	}
}

// A signal to us is passed on; the command ends as it likes, and its exit code is ours.
func TestExecPassesSignalsOn(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches the servers")
	}
	started := filepath.Join(t.TempDir(), "started")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{
			"exec", "--brokers", "0", "--no-postgres", "--",
			"sh", "-c", "trap 'kill $!; exit 5' TERM; sleep 60 & echo > " + started + "; wait",
		})
	}()
	for {
		if _, err := os.Stat(started); err == nil {
			break
		}
		select {
		case early := <-code:
			t.Fatalf("it ended by itself with %d", early)
		case <-time.After(10 * time.Millisecond): // until the file is there
		}
	}
	cancel() // as the signal handler of main does
	if got := <-code; got != 5 {
		t.Errorf("after a signal: exit code %d, want 5", got)
	}
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{{}, {"start"}, {"up", "--nonsense"}, {"up", "--brokers", "many"}, {"exec"}} {
		if code, out, _ := call(t, args...); code != 2 || out != "" {
			t.Errorf("%v: exit code %d, stdout %q", args, code, out)
		}
	}
	if code, _, errs := call(t, "up", "--brokers", "2", "--dir", t.TempDir()); code != 1 || !strings.Contains(errs, "0, 1 or 3") {
		t.Errorf("two brokers: exit code %d, %s", code, errs)
	}
	if code, out, _ := call(t, "--help"); code != 0 || !strings.Contains(out, "eval \"$(cluster env)\"") {
		t.Errorf("--help: exit code %d\n%s", code, out)
	}
}

func TestQuote(t *testing.T) {
	if got := quote("it's $HOME"); got != `'it'\''s $HOME'` {
		t.Error(got)
	}
}

// call runs the program in this process and returns its exit code and what it printed.
func call(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	stdout, stderr := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	read := func(file **os.File) func() string {
		temporary, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		*file = temporary
		return func() string {
			defer func() { _ = temporary.Close() }()
			var all bytes.Buffer
			if _, err := temporary.Seek(0, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			if _, err := all.ReadFrom(temporary); err != nil {
				t.Fatal(err)
			}
			return all.String()
		}
	}
	readOut, readErr := read(&os.Stdout), read(&os.Stderr)
	code = run(context.WithoutCancel(t.Context()), args)
	return code, readOut(), readErr()
}
