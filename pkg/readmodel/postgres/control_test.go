package postgres_test

import (
	"fmt"
	"testing"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/postgres"
	"github.com/roomlog/roomlog/pkg/readmodel/storetest"
)

func TestControl(t *testing.T) { storetest.RunControl(t, place) }

func BenchmarkCutOver(b *testing.B) { storetest.BenchmarkCutOver(b, place) }

func place(t testing.TB) storetest.Place {
	database := clustertest.Postgres(t)
	return storetest.Place{
		Control: func(t testing.TB, fault func(string) error) readmodel.Control {
			return storetest.Opened(t, postgres.OpenControl, postgres.Config{URL: database, Fault: fault})
		},
		Open: func(t testing.TB, version int) readmodel.Store {
			return open(t, postgres.Config{URL: database, Version: version})
		},
		Existing: func(version int) (readmodel.Store, error) {
			return postgres.Open(t.Context(), postgres.Config{URL: database, Version: version, Existing: true})
		},
		Live: func(t testing.TB) readmodel.Store {
			return storetest.Opened(t, postgres.OpenLive, postgres.Config{URL: database})
		},
		Remove: func(t testing.TB, version int) {
			query(t, database, fmt.Sprintf(`DROP SCHEMA roomlog_v%d CASCADE`, version))
		},
	}
}
