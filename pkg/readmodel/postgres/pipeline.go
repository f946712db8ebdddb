package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// pipeline is a list of statements that go to the server in one round trip. It
// stops at the first that fails.
type pipeline struct {
	copies []*copying // run before, one by one
	batch  pgx.Batch
	may    func(statement string) error
	err    error // of may
}

// exec adds a statement that returns no rows; done, where it is not nil, judges
// what it did.
func (p *pipeline) exec(name, sql string, args []any, done func(pgconn.CommandTag) error) {
	p.add(name, sql, args, func(br pgx.BatchResults) error {
		tag, err := br.Exec()
		if err != nil {
			return fmt.Errorf("%s: %w", name, classify(err))
		}
		if done != nil {
			return done(tag)
		}
		return nil
	})
}

// query adds a statement whose rows go to row.
func (p *pipeline) query(name, sql string, args []any, row func(tables.Row) error) {
	p.add(name, sql, args, func(br pgx.BatchResults) error {
		rows, err := br.Query() //nolint:sqlclosecheck // Each closes them
		if err == nil {
			err = tables.Each(rows, row)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

func (p *pipeline) add(name, sql string, args []any, result func(pgx.BatchResults) error) {
	if p.err == nil {
		p.err = p.may(name)
	}
	if p.err == nil {
		p.batch.Queue(sql, args...).Fn = result
	}
}

func (p *pipeline) run(ctx context.Context, conn *pgxpool.Conn) error {
	if p.err != nil {
		return p.err
	}
	for _, c := range p.copies {
		if err := c.run(ctx, conn); err != nil {
			return err
		}
	}
	return classify(conn.SendBatch(ctx, &p.batch).Close())
}

var dialect = tables.NewDialect(lists, tables.ByKey)

// lists takes a list as an array a column.
func lists(w *tables.Wanted) (with string, args []any) {
	arrays := make([]string, len(w.Names))
	for i, column := range w.Columns {
		arrays[i] = fmt.Sprintf("$%d::text[]", i+1)
		args = append(args, column)
	}
	return "WITH n AS (SELECT * FROM unnest(" + strings.Join(arrays, ", ") + ") AS u(" + strings.Join(w.Names, ", ") + ")) ", args
}

func (p *pipeline) prefetch(needed *tables.Prefetch) {
	for _, w := range needed.Wants(dialect) {
		p.query(w.Name, w.SQL, w.Args, w.Row)
	}
}

// classify marks the errors that the same row would meet again, by class of
// SQLSTATE.
func classify(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) && len(e.Code) == 5 && !errors.Is(err, readmodel.ErrRowRefused) {
		switch e.Code[:2] {
		case "22", "23", "54": // data exception, constraint violation, program limit
			return fmt.Errorf("%w: %w", readmodel.ErrRowRefused, err)
		}
	}
	return err
}
