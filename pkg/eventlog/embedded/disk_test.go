package embedded_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// lossyDisk knows what a power cut would leave: of a segment the bytes that were
// there when it was last synced, of the journal, which is overwritten, a copy of that
// moment, of a directory the entries. Of all other files it keeps what the broker
// itself syncs before it renames them (*.json), as it was when their directory was
// synced; indexes and logs of offsets are lost.
type lossyDisk struct {
	root string

	mu      sync.Mutex
	off     bool                // the power was cut
	failing error               // what the next syncs give
	syncs   int                 // of data
	sizes   map[string]int64    // of segments
	entries map[string][]string // of directories
	others  map[string][]byte
}

func newLossyDisk(root string) *lossyDisk {
	return &lossyDisk{root: root, sizes: map[string]int64{}, entries: map[string][]string{}, others: map[string][]byte{}}
}

func (d *lossyDisk) SyncData(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil { // it takes as long as it takes
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failing != nil {
		return d.failing
	}
	d.syncs++
	switch {
	case d.off:
	case filepath.Base(f.Name()) == "journal":
		d.others[f.Name()], err = os.ReadFile(f.Name())
	default:
		d.sizes[f.Name()] = st.Size()
	}
	return err
}

func (d *lossyDisk) SyncDir(path string) error {
	found, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return nil
	}
	d.entries[path] = nil
	for _, e := range found {
		d.entries[path] = append(d.entries[path], e.Name())
		if name := filepath.Join(path, e.Name()); filepath.Ext(name) == ".json" {
			if d.others[name], err = os.ReadFile(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// cut is a power cut; false: there was one before.
func (d *lossyDisk) cut() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.off
	d.off = true
	return !before
}

func (d *lossyDisk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = err
}

// left gives a copy of what the power cut has left.
func (d *lossyDisk) left(t *testing.T) string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	to := t.TempDir()
	for dir, names := range d.entries {
		if !d.reachable(dir) {
			continue
		}
		target := filepath.Join(to, d.below(dir))
		if err := os.MkdirAll(target, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			from := filepath.Join(dir, name)
			content, ok := d.others[from]
			if size, synced := d.sizes[from]; synced {
				all, err := os.ReadFile(from)
				if err != nil {
					t.Fatal(err)
				}
				content, ok = all[:size], true
			}
			if !ok {
				continue
			}
			if err := os.WriteFile(filepath.Join(target, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return to
}

// reachable reports whether the entries of a directory and of those above it were
// made durable.
func (d *lossyDisk) reachable(dir string) bool {
	for dir != d.root {
		above, found := filepath.Dir(dir), false
		for _, name := range d.entries[above] {
			found = found || name == filepath.Base(dir)
		}
		if !found {
			return false
		}
		dir = above
	}
	return true
}

func (d *lossyDisk) below(path string) string {
	rel, err := filepath.Rel(d.root, path)
	if err != nil {
		panic(err)
	}
	return rel
}
