package embedded

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestDirWatch has entries come within one step of the file system's clock.
func TestDirWatch(t *testing.T) {
	dir := t.TempDir()
	w := dirWatch{path: filepath.Join(dir, "sub")}
	look := func(wanted bool, names ...string) {
		t.Helper()
		got, changed, err := w.look()
		if slices.Sort(got); err != nil || changed != wanted || !slices.Equal(got, names) {
			t.Errorf("%v, changed %t, %v; want %v, %t", got, changed, err, names, wanted)
		}
	}
	add := func(name string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(w.path, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(w.path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	look(false)
	if err := os.Mkdir(w.path, 0o700); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	add("a", now)
	look(true, "a")
	add("b", now)
	look(true, "a", "b")
	add("c", now.Add(-time.Hour))
	look(true, "a", "b", "c")
	look(false)
	if err := os.RemoveAll(w.path); err != nil {
		t.Fatal(err)
	}
	look(true)
	look(false)
}
