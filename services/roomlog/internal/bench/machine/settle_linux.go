package machine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Settle has everything written that waits to be: what one service left must not
// be paid for by the next.
func Settle() { unix.Sync() }

// OnDisk fails where a directory is in memory: to sync it costs nothing.
func OnDisk(dir string) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return fmt.Errorf("statfs %s: %w", dir, err)
	}
	if s.Type == unix.TMPFS_MAGIC || s.Type == unix.RAMFS_MAGIC {
		return fmt.Errorf("%s is in memory: nothing there is ever on a disk", dir)
	}
	return nil
}
