package embedded

import (
	"errors"
	"os"
	"sync"
)

// realDisk is the operating system's.
type realDisk struct {
	kernel *kernelSync // nil: there is none
}

// openDisk gives the disk with the kernel's sync, where there is one: the process has one
// of them.
var openDisk = sync.OnceValue(func() realDisk {
	kernel, err := newKernelSync()
	if err != nil {
		return realDisk{}
	}
	return realDisk{kernel}
})

// SyncsKeepNoThread reports whether Go's other goroutines go on while the log is synced,
// with one processor too.
func SyncsKeepNoThread() bool { return openDisk().kernel != nil }

// errNotSubmitted says that a sync was not begun.
var errNotSubmitted = errors.New("not submitted")

// syncData makes a file's content and size durable. The kernel syncs one at a time; the
// others keep a thread each.
func (d realDisk) syncData(f *os.File) error {
	if d.kernel != nil {
		if err := d.kernel.sync(f); !errors.Is(err, errNotSubmitted) {
			return err
		}
	}
	return blockingSync(f)
}

func (realDisk) syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
