package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgres inserts each message by a statement of its own.
type postgres struct{ pool *pgxpool.Pool }

func openPostgres(ctx context.Context, url string, connections int) (postgres, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return postgres{}, err
	}
	cfg.MaxConns = int32(connections)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return postgres{}, err
	}
	s := postgres{pool}
	if err := errors.Join(s.durable(ctx), s.migrate(ctx)); err != nil {
		pool.Close()
		return s, err
	}
	return s, nil
}

// durable refuses a server that acknowledges before the bytes are on disk.
func (s postgres) durable(ctx context.Context) error {
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var value string
		if err := s.pool.QueryRow(ctx, "SHOW "+name).Scan(&value); err != nil {
			return err
		}
		if value != "on" {
			return fmt.Errorf("the database has %s = %s: it acknowledges what is not on disk", name, value)
		}
	}
	return nil
}

func (s postgres) migrate(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `
CREATE TABLE IF NOT EXISTS messages (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	room       bigint NOT NULL,
	author     text NOT NULL,
	body       text NOT NULL,
	created_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_room ON messages (room, id DESC)`)
	return err
}

func (s postgres) insert(ctx context.Context, m *message) error {
	return s.pool.QueryRow(ctx, `INSERT INTO messages (room, author, body, created_at) VALUES ($1, $2, $3, $4) RETURNING id`,
		m.Room, m.Author, m.Text, m.At).Scan(&m.ID)
}

func (s postgres) page(ctx context.Context, room int64, limit int) ([]message, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, room, author, body, created_at FROM messages WHERE room = $1 ORDER BY id DESC LIMIT $2`, room, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[message])
}

func (s postgres) ids(ctx context.Context, out io.Writer) error {
	rows, err := s.pool.Query(ctx, `SELECT id FROM messages`)
	if err != nil {
		return err
	}
	lines := bufio.NewWriter(out)
	var id int64
	if _, err := pgx.ForEachRow(rows, []any{&id}, func() error {
		_, err := fmt.Fprintln(lines, id)
		return err
	}); err != nil {
		return err
	}
	return lines.Flush()
}

func (s postgres) close() error {
	s.pool.Close()
	return nil
}
