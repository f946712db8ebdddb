package chattest

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/driver"
	"github.com/roomlog/roomlog/pkg/readmodel/storetest"
)

// StoreVariable of the environment says on which store all tests of the API run:
// sqlite, which nothing has to be started for, or postgres.
const StoreVariable = "ROOMLOG_TEST_STORE"

// open opens an empty read model, which ends with the test.
func open(t testing.TB) readmodel.Store {
	t.Helper()
	var address string
	switch named := os.Getenv(StoreVariable); named {
	case "", "sqlite":
		address = t.TempDir()
	case "postgres":
		address = clustertest.Postgres(t)
	default:
		t.Fatalf("%s=%s: known are sqlite and postgres", StoreVariable, named)
	}
	return storetest.Opened(t, driver.Open, driver.Config{Address: address})
}

// Store is a read model that can be away.
type Store struct {
	readmodel.Store
	mu   sync.Mutex
	away error
}

// SetAway makes reads fail; nil: they work.
func (s *Store) SetAway(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = err
}

// Snapshot fails while the read model is away.
func (s *Store) Snapshot(ctx context.Context, read func(readmodel.Reader) error, ahead ...readmodel.Ahead) error {
	s.mu.Lock()
	err := s.away
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.Store.Snapshot(ctx, read, ahead...)
}
