package sqlite_test

import (
	"context"
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
	return opened(t, sqlite.Open, cfg)
}

// opened opens something for the time of the test.
func opened[T interface{ Close() error }](t testing.TB, open func(context.Context, sqlite.Config) (T, error), cfg sqlite.Config) T {
	t.Helper()
	s, err := open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
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
