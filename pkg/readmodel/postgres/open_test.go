package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/postgres"
)

func TestOpenTogether(t *testing.T) {
	database := clustertest.Postgres(t)
	var opening sync.WaitGroup
	for n := range 8 {
		opening.Go(func() { open(t, postgres.Config{URL: database, Version: 1 + n%2}) })
	}
	opening.Wait()
}

func TestVersionsSideBySide(t *testing.T) {
	database := clustertest.Postgres(t)
	one, two := open(t, postgres.Config{URL: database}), open(t, postgres.Config{URL: database, Version: 2})
	if one.Schema() != "roomlog_v1" || two.Schema() != "roomlog_v2" {
		t.Errorf("the schemas are %s and %s", one.Schema(), two.Schema())
	}
	for range 3 {
		if _, err := one.Claim(t.Context(), 0, events.LogID{1}, "one"); err != nil {
			t.Fatal(err)
		}
	}
	c, err := two.Claim(t.Context(), 0, events.LogID{1}, "two")
	if err != nil || c.Epoch != 1 {
		t.Errorf("claim in version 2: %+v, %v", c, err)
	}
	for _, row := range query(t, database, `SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'`) {
		t.Error("in schema public:", row)
	}
}

func TestSchemaOfAnotherProgram(t *testing.T) {
	database := clustertest.Postgres(t)
	if _, err := postgres.Open(t.Context(), postgres.Config{URL: database, ReadOnly: true}); !errors.Is(err, readmodel.ErrOlderSchema) {
		t.Errorf("no schema: got error %v", err)
	}
	open(t, postgres.Config{URL: database})
	query(t, database, `INSERT INTO roomlog_v1.schema_migrations (version_id, is_applied) VALUES (999, true)`)
	for _, readOnly := range []bool{false, true} {
		_, err := postgres.Open(t.Context(), postgres.Config{URL: database, ReadOnly: readOnly})
		if !errors.Is(err, readmodel.ErrNewerSchema) {
			t.Errorf("newer schema, read only %v: got error %v", readOnly, err)
		}
	}
}

func TestReadOnlyDoesNotWrite(t *testing.T) {
	database := clustertest.Postgres(t)
	open(t, postgres.Config{URL: database})
	s := open(t, postgres.Config{URL: database, ReadOnly: true})
	if _, err := s.Claim(t.Context(), 0, events.LogID{1}, "reader"); !errors.Is(err, readmodel.ErrReadOnly) {
		t.Errorf("claim: got error %v", err)
	}
	err := s.Fold(t.Context(), readmodel.Fence{}, nil, func(readmodel.Rows) (readmodel.Batch, error) { return readmodel.Batch{}, nil })
	if !errors.Is(err, readmodel.ErrReadOnly) {
		t.Errorf("fold: got error %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error("ping:", err)
	}
}

func TestNoPasswordInErrorsAndLogs(t *testing.T) {
	const secret = "pa55-w0rd"
	u, err := url.Parse(clustertest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("nobody-knows", secret)
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, address := range []string{
		u.String(),
		"postgres://u:" + secret + "@127.0.0.1:1/db",
		"postgres://u:" + secret + "@127.0.0.1:port/db",
		"postgres://u:" + secret + " @127.0.0.1/db",
		"postgres://u:" + secret + "%zz@127.0.0.1/db",
		"postgres://u:" + secret + "#@127.0.0.1/db",
		"postgres://u@127.0.0.1/db?sslmode=nonsense&password=" + secret,
		"host=127.0.0.1 port=x password=" + secret,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := postgres.Open(ctx, postgres.Config{URL: address, Logger: logger})
		cancel()
		if err == nil {
			t.Errorf("%s: opened", address)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the password is in the error: %v", err)
		}
	}
	if strings.Contains(log.String(), secret) {
		t.Errorf("the password is in the log: %s", log.String())
	}
}

// query runs a statement beside the store and gives the first column as text.
func query(t testing.TB, database, sql string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}
