package cluster_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roomlog/roomlog/deployments/cluster"
	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
)

func TestPostgres(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := clustertest.Start(t, cluster.Config{Postgres: true})
	t.Run("is as roomlog needs it", func(t *testing.T) { testPostgresAsNeeded(ctx, t, c) })
	t.Run("keeps its data", func(t *testing.T) { testPostgresKeepsData(ctx, t, c) })
	t.Run("can be paused", func(t *testing.T) { testPostgresPause(ctx, t, c) })
}

// The server is for those who know the password, and is up to what roomlog
// needs: UTF-8, trigrams, commits that are on the disk.
func testPostgresAsNeeded(ctx context.Context, t *testing.T, c *cluster.Cluster) {
	database := clustertest.Database(t, c.PostgresURL())
	if got := query(ctx, t, database, "select upper('žluťoučký')"); got != "ŽLUŤOUČKÝ" {
		t.Errorf("upper gave %v", got)
	}
	query(ctx, t, database, "create extension pg_trgm")
	if got := query(ctx, t, database, "show fsync"); got != "on" {
		t.Errorf("fsync is %v: measurements would lie", got)
	}
	config, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	passwords := filepath.Join(t.TempDir(), "pgpass")
	if err := os.WriteFile(passwords, []byte("*:*:*:*:"+config.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	withFile := fmt.Sprintf("postgres://%s@%s:%d/%s?sslmode=disable&passfile=%s",
		config.User, config.Host, config.Port, config.Database, url.QueryEscape(passwords))
	connect(ctx, t, withFile) // as compose.yaml has it
	config.Password = "wrong"
	if _, err := pgx.ConnectConfig(ctx, config); err == nil || !strings.Contains(err.Error(), "password") {
		t.Errorf("a wrong password gave %v", err)
	}
}

// What was committed is there after a stop in good order and after a kill -9, on the same address.
func testPostgresKeepsData(ctx context.Context, t *testing.T, c *cluster.Cluster) {
	database := clustertest.Database(t, c.PostgresURL())
	query(ctx, t, database, "create table tries (n int)")
	for n, end := range []func() error{c.Postgres().Stop, c.Postgres().Kill} {
		open := connect(ctx, t, database) // whose backend must end with the server
		if _, err := open.Exec(ctx, "insert into tries values ($1)", n); err != nil {
			t.Fatal(err)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if c.Postgres().Running() {
			t.Fatal("it runs on")
		}
		if err := open.Ping(ctx); err == nil {
			t.Fatal("an open session goes on after its end")
		}
		if _, err := pgx.Connect(ctx, database); err == nil {
			t.Fatal("it answers after its end")
		}
		if err := c.Postgres().Start(ctx); err != nil {
			t.Fatal(err)
		}
		if got := query(ctx, t, database, "select count(*) from tries"); got != int64(n+1) {
			t.Fatalf("%v rows after restart %d, want %d", got, n, n+1)
		}
	}
}

// Paused it answers nobody, neither old sessions nor new ones; then it goes on where it was.
func testPostgresPause(ctx context.Context, t *testing.T, c *cluster.Cluster) {
	database := clustertest.Database(t, c.PostgresURL())
	old, same := connect(ctx, t, database), connect(ctx, t, database)
	if err := c.Postgres().Pause(); err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func(context.Context) error{
		"an open session": old.Ping,
		"a new session": func(ctx context.Context) error {
			_, err := pgx.Connect(ctx, database)
			return err
		},
	} {
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		if err := try(short); err == nil {
			t.Errorf("%s was answered while the server was paused", name)
		}
		cancel()
	}
	if err := c.Postgres().Continue(); err != nil {
		t.Fatal(err)
	}
	if err := same.Ping(ctx); err != nil {
		t.Errorf("a session of before the pause: %v", err)
	}
}

func connect(ctx context.Context, t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// query runs one statement in a session of its own and returns the first column of its first row.
func query(ctx context.Context, t *testing.T, url, statement string) any {
	t.Helper()
	rows, err := connect(ctx, t, url).Query(ctx, statement)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var first any
	for rows.Next() && first == nil {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		first = values[0]
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return first
}
