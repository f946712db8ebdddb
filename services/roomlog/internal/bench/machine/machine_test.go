package machine_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/machine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func needsLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("of Linux")
	}
}

func TestStartOn(t *testing.T) {
	needsLinux(t)
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "grep Cpus_allowed_list /proc/self/status")
	cmd.Stdout = &out
	if err := machine.StartOn(0, cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if f := strings.Fields(out.String()); len(f) != 2 || f[1] != "0" {
		t.Errorf("a child of it may run on %q", out.String())
	}
	cmd = exec.CommandContext(t.Context(), "/bin/true")
	if err := machine.StartOn(1000, cmd); err == nil {
		t.Error("there is a processor 1000")
	}
}

// What a child of a child has used counts, while it runs and when it has ended.
func TestUsageOfTree(t *testing.T) {
	needsLinux(t)
	// The child works, says so, and waits for its input to end.
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c",
		`/bin/sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done; cat'; echo ended; cat`)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	if u := machine.UsageOf(cmd.Process.Pid); u.CPU == 0 || len(u.Busy) == 0 {
		t.Errorf("used: %v", u)
	}
	if all, one := machine.Memory(cmd.Process.Pid), machine.Memory(os.Getpid()); all == 0 || one == 0 {
		t.Errorf("memory: %d and %d", all, one)
	}
	_ = stdin.Close()
	_ = cmd.Wait()
}

func TestListener(t *testing.T) {
	needsLinux(t)
	l, err := (&net.ListenConfig{}).Listen(context.WithoutCancel(t.Context()), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if pid, err := machine.Listener(l.Addr().String()); pid != os.Getpid() || err != nil {
		t.Errorf("process %d, %v; it is %d", pid, err, os.Getpid())
	}
	if pid, err := machine.Listener("127.0.0.1:1"); err == nil {
		t.Errorf("process %d listens on port 1", pid)
	}
}

func TestDescribe(t *testing.T) {
	d, err := machine.Describe(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if d.Processors < 1 || d.Fsync[0] <= 0 || d.Fsync[1] < d.Fsync[0] || d.Go == "" {
		t.Errorf("%+v", d)
	}
}

func TestOnDisk(t *testing.T) {
	needsLinux(t)
	if err := machine.OnDisk("/dev/shm"); err == nil {
		t.Error("/dev/shm is a disk")
	}
}

func TestProcessors(t *testing.T) {
	all, err := machine.Processors()
	if err != nil || len(all) != runtime.NumCPU() {
		t.Errorf("%v, %v; there are %d", all, err, runtime.NumCPU())
	}
}
