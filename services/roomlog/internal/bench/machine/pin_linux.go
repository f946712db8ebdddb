package machine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pinning reports whether processes can be pinned to processors here.
const Pinning = true

// Processors are those that this process may use, ascending.
func Processors() (all []int, err error) {
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return nil, os.NewSyscallError("sched_getaffinity", err)
	}
	for cpu := range 64 * len(may) {
		if may.IsSet(cpu) {
			all = append(all, cpu)
		}
	}
	return all, nil
}

// StartOn starts a command on one processor: it never sees another.
func StartOn(cpu int, cmd *exec.Cmd) error {
	// A child has the processors of the thread that forks it.
	runtime.LockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		runtime.UnlockOSThread()
		return os.NewSyscallError("sched_getaffinity", err)
	}
	if err := set(0, cpu); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	err := cmd.Start()
	if back := unix.SchedSetaffinity(0, &before); back != nil {
		return errors.Join(err, os.NewSyscallError("sched_setaffinity", back)) // the thread stays locked, and ends
	}
	runtime.UnlockOSThread()
	return err
}

// Pin moves running processes, and all that they have started, to one processor.
func Pin(cpu int, roots ...int) error {
	for _, root := range roots {
		// A thread or child that begins meanwhile has the processors of the one that
		// began it: the second time it is found.
		for range 2 {
			for _, pid := range processTree(root) {
				if err := pinThreads(cpu, pid); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func pinThreads(cpu, pid int) error {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid))
	if err != nil {
		return err
	}
	for _, path := range threads {
		thread, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			return err
		}
		if err := set(thread, cpu); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

func set(thread, cpu int) error {
	var one unix.CPUSet
	one.Set(cpu)
	return os.NewSyscallError("sched_setaffinity", unix.SchedSetaffinity(thread, &one))
}
