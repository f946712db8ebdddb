package sqlite

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/roomlog/roomlog/pkg/processors"
)

// lowPriority has a thread get a tenth of a processor that others want too (nice(2)).
const lowPriority = 10

// atLowPriority runs what can wait.
func atLowPriority(do func() error) error {
	done := make(chan error, 1)
	go func() {
		// It is not unlocked: who is not root cannot raise a thread's priority again, so the
		// thread is to end with the goroutine.
		runtime.LockOSThread()
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, lowPriority) // of this thread alone
		done <- do()
	}()
	return processors.Blocking(func() error { return <-done })
}

// beginWriting has the system begin to write what it has of a file, and does not wait.
func beginWriting(f *os.File) {
	_ = unix.SyncFileRange(int(f.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE)
}
