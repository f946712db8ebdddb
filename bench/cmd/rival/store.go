package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// message is a row, and what the API says of it.
type message struct {
	ID     int64     `json:"id"`
	Room   int64     `json:"room"`
	Author string    `json:"author"`
	Text   string    `json:"text"`
	At     time.Time `json:"at"`
}

// store keeps messages. insert returns when the message is durable, and has given
// it its id.
type store interface {
	insert(ctx context.Context, m *message) error
	page(ctx context.Context, room int64, limit int) ([]message, error)
	// ids prints the ids of all messages, one a line.
	ids(ctx context.Context, out io.Writer) error
	close() error
}

func open(ctx context.Context, o options) (store, error) {
	switch o.store {
	case "postgres":
		return openPostgres(ctx, o.database, o.connections)
	case "batched":
		return openBatched(ctx, o.database, o.connections, o.writers)
	case "sqlite":
		return openSQLite(ctx, o.database, o.connections)
	case "nothing":
		return new(nothing), nil
	}
	return nil, fmt.Errorf("there is no store %q", o.store)
}
