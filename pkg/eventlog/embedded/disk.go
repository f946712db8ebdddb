package embedded

import (
	"errors"
	"os"
	"sync"
)

// realDisk is the operating system's.
type realDisk struct {
	kernel *kernelSync // nil: there is none
	one    *sync.Mutex // who has the kernel
}

// openDisk has the kernel sync, where it does.
func openDisk() realDisk {
	kernel, err := newKernelSync()
	if err != nil {
		return realDisk{}
	}
	return realDisk{kernel: kernel, one: new(sync.Mutex)}
}

// SyncsKeepNoThread reports whether Go's other goroutines go on while the log is synced,
// with one processor too.
func SyncsKeepNoThread() bool {
	d := openDisk()
	defer d.close() //nolint:errcheck // nothing is in it
	return d.kernel != nil
}

// errNotSubmitted says that a sync was not begun.
var errNotSubmitted = errors.New("not submitted")

// syncData makes a file's content and size durable. The kernel syncs one at a time; the
// others keep a thread each.
func (d realDisk) syncData(f *os.File) error {
	if d.kernel != nil && d.one.TryLock() {
		defer d.one.Unlock()
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

// close is called when nothing is synced any more.
func (d realDisk) close() error {
	if d.kernel == nil {
		return nil
	}
	return d.kernel.close()
}
