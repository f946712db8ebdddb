package sqlite_test

import (
	"testing"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
	"github.com/roomlog/roomlog/pkg/readmodel/storetest"
)

func open(t testing.TB, cfg sqlite.Config) *sqlite.Store {
	t.Helper()
	if cfg.Dir == "" && cfg.Path == "" {
		cfg.Dir = t.TempDir()
	}
	return storetest.Opened(t, sqlite.Open, cfg)
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t testing.TB, fault func(string) error) readmodel.Store {
		return open(t, sqlite.Config{Fault: fault})
	})
}

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func(t testing.TB, fault func(string) error) readmodel.Store {
		return open(t, sqlite.Config{Fault: fault})
	})
}
