package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
	"github.com/roomlog/roomlog/pkg/readmodel/storetest"
)

func TestControl(t *testing.T) { storetest.RunControl(t, place) }

func BenchmarkCutOver(b *testing.B) { storetest.BenchmarkCutOver(b, place) }

func place(t testing.TB) storetest.Place {
	dir := t.TempDir()
	return storetest.Place{
		Control: func(t testing.TB, fault func(string) error) readmodel.Control {
			return storetest.Opened(t, sqlite.OpenControl, sqlite.Config{Dir: dir, Fault: fault})
		},
		Open: func(t testing.TB, version int) readmodel.Store {
			return open(t, sqlite.Config{Dir: dir, Version: version})
		},
		Existing: func(version int) (readmodel.Store, error) {
			return sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Version: version, Existing: true})
		},
		Live: func(t testing.TB) readmodel.Store {
			return storetest.Opened(t, sqlite.OpenLive, sqlite.Config{Dir: dir})
		},
		Remove: func(t testing.TB, version int) {
			files, err := filepath.Glob(filepath.Join(dir, "readmodel-v*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if filepath.Base(f)[:12] == "readmodel-v"+string(rune('0'+version)) {
					if err := os.Remove(f); err != nil {
						t.Fatal(err)
					}
				}
			}
		},
	}
}
