package clustertest_test

import (
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roomlog/roomlog/deployments/cluster"
	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
)

// Two tests share the server and nothing else; what one leaves is gone.
func TestPostgresIsOneServerWithADatabaseEach(t *testing.T) {
	var first, second string
	t.Run("first", func(t *testing.T) {
		first = clustertest.Postgres(t)
		conn, err := pgx.Connect(t.Context(), first)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "create table mine ()"); err != nil {
			t.Fatal(err)
		}
		// Left open on purpose: it must not keep the database.
	})
	if _, err := pgx.Connect(t.Context(), first); err == nil {
		t.Error("the database of a test that ended is still there")
	}
	second = clustertest.Postgres(t)
	one, err := pgx.ParseConfig(first)
	if err != nil {
		t.Fatal(err)
	}
	two, err := pgx.ParseConfig(second)
	if err != nil {
		t.Fatal(err)
	}
	if one.Port != two.Port {
		t.Errorf("two servers: ports %d and %d", one.Port, two.Port)
	}
	if one.Database == two.Database {
		t.Errorf("one database: %s", one.Database)
	}
	if a, b := clustertest.Topic("events"), clustertest.Topic("events"); a == b {
		t.Errorf("one topic: %s", a)
	}
}

// Servers that the environment names are taken, not started.
func TestKafkaOfTheEnvironment(t *testing.T) {
	t.Setenv(cluster.BrokersVariable, "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3")
	got := clustertest.Kafka(t, 3)
	if len(got) != 3 || got[2] != "127.0.0.1:3" {
		t.Errorf("got %v", got)
	}
}

// One broker is enough where a test asks for one, and it listens.
func TestKafkaAlone(t *testing.T) {
	brokers := clustertest.Kafka(t, 1)
	conn, err := net.DialTimeout("tcp", brokers[0], time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}
