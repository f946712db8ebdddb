package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"
)

// disks are the one that roomlog has here, and one without the kernel's sync.
func disks(t *testing.T) map[string]realDisk {
	t.Helper()
	d := openDisk()
	if d.kernel == nil {
		_, err := newKernelSync()
		t.Log("this kernel, or who guards it, does not sync by itself: ", err)
	}
	return map[string]realDisk{"as it is opened": d, "by a thread": {}}
}

// grow writes to a file, so that there is something to sync.
func grow(f *os.File) error {
	_, err := f.Write(make([]byte, 10_000))
	return err
}

func create(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// The kernel syncs one file at a time; whoever comes meanwhile syncs by itself. All are synced.
func TestSyncsAtTheSameTime(t *testing.T) {
	for name, d := range disks(t) {
		var all errgroup.Group
		for range 8 {
			f := create(t, "file")
			all.Go(func() error {
				for range 50 {
					if err := errors.Join(grow(f), d.syncData(f)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := all.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d.kernel != nil {
			if !d.kernel.one.TryLock() {
				t.Fatal("somebody still has the kernel")
			}
			d.kernel.one.Unlock()
		}
	}
}

// A file that cannot be synced is an error either way, and the next one is synced.
func TestSyncsThatFail(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(w.Close(), r.Close()) }()
	closed := create(t, "closed")
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, d := range disks(t) {
		for _, tc := range []struct {
			name string
			file *os.File
			want error
		}{
			{"a pipe", w, syscall.EINVAL},
			{"a closed file", closed, syscall.EBADF},
		} {
			if err := d.syncData(tc.file); !errors.Is(err, tc.want) {
				t.Errorf("%s, %s: %v, want %v", tc.name, name, err, tc.want)
			}
			f := create(t, "file")
			if err := errors.Join(grow(f), d.syncData(f)); err != nil {
				t.Errorf("a file after %s, %s: %v", tc.name, name, err)
			}
		}
	}
}

// What the kernel says of a sync that it has begun is what the disk did, and final.
func TestKernelSaysHowASyncEnded(t *testing.T) {
	for _, tc := range []struct {
		event ioEvent
		want  error
	}{
		{ioEvent{}, nil},
		{ioEvent{result: -int64(syscall.EIO)}, syscall.EIO},
		{ioEvent{result: -int64(syscall.ENOSPC)}, syscall.ENOSPC},
	} {
		if err := tc.event.err(); !errors.Is(err, tc.want) || errors.Is(err, errNotSubmitted) {
			t.Errorf("result %d: %v, want %v", tc.event.result, err, tc.want)
		}
	}
}

func TestKernelSyncLeavesNoDescriptors(t *testing.T) {
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := descriptors()
	for range 30 {
		k, err := newKernelSync()
		if err != nil {
			t.Log("this kernel, or who guards it, does not sync by itself: ", err)
			continue
		}
		if err := k.close(); err != nil {
			t.Fatal(err)
		}
	}
	// Others of the process may have opened a few.
	if after := descriptors(); after > before+20 {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
