// Package clustertest gives tests real Kafka brokers and a real PostgreSQL.
//
// The servers are shared: by all tests of a process, and, when the environment
// names running ones ([cluster.BrokersVariable], [cluster.PostgresVariable];
// `make test` and `cluster exec` set both), by all packages. So a test must take a topic of
// its own ([Topic]) and a database of its own ([Postgres]), and must not stop
// a shared server; one that does starts its own with [Start].
//
// A test that cannot have its servers fails and says what to install. Only
// `go test -short` skips it.
package clustertest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomlog/roomlog/deployments/cluster"
)

// patience is how long a start may take, the first download included.
const patience = 5 * time.Minute

// Kafka returns the addresses of a shared Kafka cluster that has at least that
// many brokers (1 or 3).
func Kafka(t testing.TB, brokers int) []string {
	t.Helper()
	needServers(t)
	if named := os.Getenv(cluster.BrokersVariable); named != "" {
		addresses := strings.Split(named, ",")
		if len(addresses) < brokers {
			t.Fatalf("the test needs %d brokers, %s names %d", brokers, cluster.BrokersVariable, len(addresses))
		}
		return addresses
	}
	return sharedServers(t, cluster.Config{Brokers: brokers}).Brokers()
}

// Postgres returns the URL of a fresh, empty database on a shared server. It
// is dropped when the test ends, with whatever sessions it still has.
func Postgres(t testing.TB) string {
	t.Helper()
	needServers(t)
	server := os.Getenv(cluster.PostgresVariable)
	if server == "" {
		server = sharedServers(t, cluster.Config{Postgres: true}).PostgresURL()
	}
	return Database(t, server)
}

// Database returns the URL of a fresh, empty database on the given server,
// dropped when the test ends (if the server still answers then).
func Database(t testing.TB, server string) string {
	t.Helper()
	name := unique("test")
	database, err := cluster.CreateDatabase(t.Context(), server, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := cluster.DropDatabase(ctx, server, name); err != nil {
			t.Log(err)
		}
	})
	return database
}

// Topic returns a name for a topic that no other test has, beginning with the given word.
func Topic(prefix string) string { return unique(prefix) }

// Start starts a cluster for this test alone, which may do with it what it
// likes. It is temporary unless cfg.Dir is set, and ends with the test.
func Start(t testing.TB, cfg cluster.Config) *cluster.Cluster {
	t.Helper()
	needServers(t)
	c, err := start(t.Context(), cfg)
	if err != nil {
		fail(t, err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.Logs())
		}
		if err := c.Close(); err != nil {
			t.Errorf("close the cluster: %v", err)
		}
	})
	return c
}

func start(ctx context.Context, cfg cluster.Config) (*cluster.Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if cfg.Log == nil {
		cfg.Log = os.Stderr
	}
	return cluster.Start(ctx, cfg)
}

// shared holds the clusters of this process, each started at most once. They
// end when the process does, however it ends.
var shared struct {
	sync.Mutex
	started map[string]func() (*cluster.Cluster, error)
}

func sharedServers(t testing.TB, cfg cluster.Config) *cluster.Cluster {
	t.Helper()
	key := fmt.Sprint(cfg.Brokers, cfg.Postgres)
	shared.Lock()
	if shared.started == nil {
		shared.started = map[string]func() (*cluster.Cluster, error){}
	}
	once, ok := shared.started[key]
	if !ok {
		once = sync.OnceValues(func() (*cluster.Cluster, error) {
			return start(context.Background(), cfg) // not the test's context: it outlives the test
		})
		shared.started[key] = once
	}
	shared.Unlock()
	c, err := once()
	if err != nil {
		fail(t, err)
	}
	return c
}

func needServers(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs real servers; go test without -short starts them")
	}
}

func fail(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, cluster.ErrMissingTool) {
		t.Fatalf("%v\nThis test runs on real servers and is never skipped silently: install the program, "+
			"or name running servers in %s and %s, or leave such tests out with go test -short.", err, cluster.BrokersVariable, cluster.PostgresVariable)
	}
	t.Fatal(err)
}

func unique(prefix string) string {
	return prefix + "_" + strings.ToLower(rand.Text()[:12])
}
