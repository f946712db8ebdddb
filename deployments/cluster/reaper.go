package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// reaperScript waits until its standard input ends, which the kernel makes
// happen however the starting process dies, then kills what is left of the
// cluster and removes the directories that it was told to. Its arguments are
// the cluster's directory and those to remove.
const reaperScript = `
cat >/dev/null
for pid in $(cat "$1"/*/pid "$1"/*/paused 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
shift
for dir in "$@"; do rm -rf "$dir" || { sleep 1; rm -rf "$dir"; }; done
`

// A reaper is a small child process that ends a cluster whose owner died. It
// stands in for prctl's PDEATHSIG, which macOS lacks, which follows a thread
// instead of the process, and which could not remove the data of a cluster
// shared by all tests of a process.
type reaper struct {
	process
	alive *os.File // the write end of its standard input: open as long as we live
}

func startReaper(dir string, remove []string) (*reaper, error) {
	stdin, alive, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = stdin.Close() }()
	cmd := exec.Command("/bin/sh", append([]string{"-c", reaperScript, "roomlog-cluster-reaper", dir}, remove...)...) //nolint:noctx // it must outlive every context
	cmd.Stdin = stdin
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		_ = alive.Close()
		return nil, fmt.Errorf("start the reaper: %w", err)
	}
	pid := process(cmd.Process.Pid)
	_ = cmd.Process.Release()
	return &reaper{process: pid, alive: alive}, nil
}

// stop ends the reaper after the cluster was closed in good order.
func (r *reaper) stop() error {
	_ = r.alive.Close()
	if !r.endsWithin(stopPatience) {
		return fmt.Errorf("the reaper, process %d, does not end", r.process)
	}
	return nil
}
