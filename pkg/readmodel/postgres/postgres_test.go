package postgres_test

import (
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
	return storetest.Opened(t, postgres.Open, cfg)
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
