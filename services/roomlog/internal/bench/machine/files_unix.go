//go:build linux || darwin

package machine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// OpenFiles lets this process, and those that it starts, have so many files open.
func OpenFiles(n int) error {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	need := uint64(n)
	if l.Cur >= need && l.Max >= need {
		return nil
	}
	l.Cur, l.Max = max(l.Cur, need), max(l.Max, need)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("%d open files are needed: raise the limit (ulimit -Hn): %w", n, err)
	}
	return nil
}
