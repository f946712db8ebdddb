package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// maxBatch is the most messages of one statement.
const maxBatch = 256

// batched gathers what waits while a statement runs into the next one.
type batched struct {
	postgres
	waiting chan request
}

type request struct {
	*message
	done chan<- error
}

func openBatched(ctx context.Context, url string, connections, writers int) (batched, error) {
	p, err := openPostgres(ctx, url, connections)
	s := batched{p, make(chan request, 16*maxBatch)}
	if err != nil {
		return s, err
	}
	for range writers {
		go s.write(ctx)
	}
	return s, nil
}

func (s batched) insert(ctx context.Context, m *message) error {
	done := make(chan error, 1)
	select {
	case s.waiting <- request{m, done}:
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-done // the statement goes on without the client, and writes into the message
}

func (s batched) write(ctx context.Context) {
	batch := make([]request, 0, maxBatch)
	for {
		select {
		case r := <-s.waiting:
			batch = append(batch[:0], r)
		case <-ctx.Done():
			return
		}
	gather:
		for len(batch) < maxBatch {
			select {
			case r := <-s.waiting:
				batch = append(batch, r)
			default:
				break gather
			}
		}
		err := s.insertAll(ctx, batch)
		for _, r := range batch {
			r.done <- err
		}
	}
}

func (s batched) insertAll(ctx context.Context, batch []request) error {
	n := len(batch)
	rooms, authors, texts, times := make([]int64, n), make([]string, n), make([]string, n), make([]time.Time, n)
	for i, r := range batch {
		rooms[i], authors[i], texts[i], times[i] = r.Room, r.Author, r.Text, r.At
	}
	rows, err := s.pool.Query(ctx, `INSERT INTO messages (room, author, body, created_at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[]) RETURNING id`, rooms, authors, texts, times)
	if err != nil {
		return err
	}
	i := 0
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		batch[i].ID = id
		i++
		return nil
	})
	return err
}
