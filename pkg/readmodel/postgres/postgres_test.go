package postgres_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/postgres"
	"github.com/roomlog/roomlog/pkg/readmodel/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, cfg postgres.Config) *postgres.Store {
	t.Helper()
	if cfg.URL == "" {
		cfg.URL = clustertest.Postgres(t)
	}
	return opened(t, postgres.Open, cfg)
}

// opened opens something for the time of the test.
func opened[T interface{ Close() error }](t testing.TB, open func(context.Context, postgres.Config) (T, error), cfg postgres.Config) T {
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
		return open(t, postgres.Config{Fault: fault})
	})
}

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func(t testing.TB, fault func(string) error) readmodel.Store {
		return open(t, postgres.Config{Fault: fault})
	})
}
