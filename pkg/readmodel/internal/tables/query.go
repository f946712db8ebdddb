package tables

import (
	"context"
	"fmt"
)

// Querier runs a query in a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (Rows, error)
}

// Rows is a result as it comes in. Close may be called more than once; Err is
// complete after Close.
type Rows interface {
	Row
	Next() bool
	Err() error
	Close()
}

// Row is one row of a result.
type Row interface {
	Scan(to ...any) error
}

// An index other than a primary key begins with an expression that names it and
// stands for tenant and room, or tenant and user: see the migrations. byReply and
// its like are conditions with them on states s, members m and so on, where $1 is
// the tenant and $2 the room or user. Those of events are the [Layout]'s.
const (
	byReply    = `('h/' || s.tenant || '/' || s.room) = ('h/' || ` + key + ` AND s.replies > 0`
	byPin      = `('p/' || s.tenant || '/' || s.room) = ('p/' || ` + key + ` AND s.pinned > 0`
	byKey      = `('k/' || x.tenant || '/' || x.room) = ('k/' || ` + key
	byActivity = `('a/' || r.tenant) = ('a/' || CAST($1 AS TEXT)) AND r.deleted = 0`
	byUser     = `('u/' || m.tenant || '/' || m.user_id) = ('u/' || ` + key
	key        = `CAST($1 AS TEXT) || '/' || CAST($2 AS TEXT))`
)

// Query is a query and where its rows go.
type Query struct {
	What string // in errors
	SQL  string
	Args []any
	Row  func(Row) error
}

// Batcher is a Querier that takes several queries in one round trip.
type Batcher interface {
	Batch(ctx context.Context, queries []Query) error
}

// Each calls row for each row of a result and closes it.
func Each(rows Rows, row func(Row) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	rows.Close()
	return rows.Err()
}

// each runs a query; what names it in errors.
func each(ctx context.Context, q Querier, what, sql string, args []any, row func(Row) error) error {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	if err := Each(rows, row); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

// all runs queries.
func all(ctx context.Context, q Querier, queries ...Query) error {
	if b, ok := q.(Batcher); ok {
		return b.Batch(ctx, queries)
	}
	for _, query := range queries {
		if err := each(ctx, q, query.What, query.SQL, query.Args, query.Row); err != nil {
			return err
		}
	}
	return nil
}

// list runs a query and collects at most limit rows; the statement has to have
// that limit too. Without rows the list is empty, not nil.
func list[T any](ctx context.Context, q Querier, what string, scan func(Row) (T, error), limit int, sql string, args ...any) ([]T, error) {
	out := make([]T, 0, min(max(limit, 0), 256))
	if limit <= 0 {
		return out, nil
	}
	err := each(ctx, q, what, sql, args, func(r Row) error {
		v, err := scan(r)
		out = append(out, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// found is a row, where there is one.
type found[T any] struct {
	row T
	ok  bool
}

// find is a query that has a row or none.
func (f *found[T]) find(what string, scan func(Row) (T, error), sql string, args ...any) Query {
	return Query{what, sql, args, func(r Row) (err error) {
		f.row, err = scan(r)
		f.ok = true
		return err
	}}
}

// one runs a query that has a row or none.
func one[T any](ctx context.Context, q Querier, what string, scan func(Row) (T, error), sql string, args ...any) (T, bool, error) {
	var f found[T]
	return f.read(ctx, q, f.find(what, scan, sql, args...))
}

// read runs a query that finds the row.
func (f *found[T]) read(ctx context.Context, q Querier, query Query) (T, bool, error) {
	if err := each(ctx, q, query.What, query.SQL, query.Args, query.Row); err != nil {
		var none T
		return none, false, err
	}
	return f.row, f.ok, nil
}
