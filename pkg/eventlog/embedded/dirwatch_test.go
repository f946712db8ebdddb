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
	defer w.close()
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
	mkdir := func() {
		t.Helper()
		if err := os.Mkdir(w.path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	look(false)
	mkdir()
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

	// One that had nothing is removed, and there is another of the same time.
	mkdir()
	then := now.Add(-time.Hour)
	if err := os.Chtimes(w.path, then, then); err != nil {
		t.Fatal(err)
	}
	look(true)
	look(false)
	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	mkdir()
	add("d", then)
	look(true, "d")
}
