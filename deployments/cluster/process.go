package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is an operating-system process known by its id alone. It is never
// waited for by a goroutine: a test that shares a cluster must not find any
// goroutine of ours left over, and an attached cluster's processes are not our
// children anyway. So its end is asked for (exited), which also reaps it.
type process int

// spawn starts the command with its output appended to logFile, in a process
// group of its own so that a terminal's Ctrl-C does not reach it. A detached
// one gets a session of its own and so outlives the terminal.
func spawn(cmd *exec.Cmd, logFile string, detached bool) (process, error) {
	out, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { _ = out.Close() }()

	cmd.Stdout, cmd.Stderr = out, out
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = !detached
	cmd.SysProcAttr.Setsid = detached
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	pid := process(cmd.Process.Pid)
	_ = cmd.Process.Release()
	return pid, nil
}

// exited reports whether the process has ended, and reaps it where it was a child.
func (p process) exited() bool {
	var status syscall.WaitStatus
	switch got, err := syscall.Wait4(int(p), &status, syscall.WNOHANG, nil); {
	case err == nil:
		return got == int(p)
	case errors.Is(err, syscall.EINTR):
		return false
	}
	return errors.Is(syscall.Kill(int(p), 0), syscall.ESRCH) || p.zombie()
}

// zombie reports whether the process has ended without anybody asking for its
// status: so it stays where process 1 of a container is no real init.
func (p process) zombie() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
	if err != nil {
		return false
	}
	fields := statFields(stat)
	return len(fields) > 0 && (fields[0] == "Z" || fields[0] == "X")
}

// statFields returns what follows "pid (command)" in Linux's /proc/PID/stat:
// the state, the parent's id and more. The command may contain spaces and parentheses.
func statFields(stat []byte) []string {
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
}

// signal sends sig. A process that is no more is not an error.
func (p process) signal(sig syscall.Signal) error {
	if err := syscall.Kill(int(p), sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %v to process %d: %w", sig, p, err)
	}
	return nil
}

// await waits until the process has ended or ctx has.
func (p process) await(ctx context.Context) error {
	return poll(ctx, 5*time.Millisecond, func() (bool, error) { return p.exited(), nil })
}

// endsWithin waits for the process to end, but not longer than that, and
// reports whether it has. It takes no context: what is being stopped must be
// seen to its end, above all when a context has ended.
func (p process) endsWithin(patience time.Duration) bool {
	for deadline := time.Now().Add(patience); !p.exited(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// children returns the ids of the process's direct children.
func (p process) children() ([]process, error) {
	if stats, _ := filepath.Glob("/proc/[0-9]*/stat"); len(stats) > 0 {
		return p.childrenOf(stats), nil
	}
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output() //nolint:noctx // answers at once
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var found []process
	for line := range strings.Lines(string(out)) {
		var pid, parent int
		if n, _ := fmt.Sscan(line, &pid, &parent); n == 2 && parent == int(p) {
			found = append(found, process(pid))
		}
	}
	return found, nil
}

// childrenOf picks p's children from Linux's /proc/PID/stat files.
func (p process) childrenOf(stats []string) []process {
	var found []process
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it ended meanwhile
		}
		if fields := statFields(stat); len(fields) < 2 || fields[1] != strconv.Itoa(int(p)) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			found = append(found, process(pid))
		}
	}
	return found
}

// commandLine returns what the process was started with, or "" when it is no more.
func (p process) commandLine() string {
	if raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p)); err == nil {
		return strings.ReplaceAll(string(raw), "\x00", " ")
	}
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(int(p))).Output() //nolint:noctx // answers at once
	if err != nil {
		return ""
	}
	return string(out)
}

// poll calls done every interval until it reports true or an error, or ctx ends.
func poll(ctx context.Context, interval time.Duration, done func() (bool, error)) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
