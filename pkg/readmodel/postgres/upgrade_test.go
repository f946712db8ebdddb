package postgres_test

import (
	"io/fs"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/migrations"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/schema"
	"github.com/roomlog/roomlog/pkg/readmodel/postgres"
	"github.com/roomlog/roomlog/pkg/readmodel/storetest"
)

func TestUpgrade(t *testing.T) {
	database := clustertest.Postgres(t)
	first := func(files fs.FS, statements string) {
		name := postgres.Schema(readmodel.DefaultVersion)
		query(t, database, "CREATE SCHEMA "+name)
		cfg, err := pgx.ParseConfig(database)
		if err != nil {
			t.Fatal(err)
		}
		cfg.RuntimeParams["search_path"] = name
		db := stdlib.OpenDB(*cfg)
		if err := schema.Apply(t.Context(), goose.DialectPostgres, db, files, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), statements); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Upgrade(t, first, migrations.Postgres(), func() readmodel.Store { return open(t, postgres.Config{URL: database}) })
}
