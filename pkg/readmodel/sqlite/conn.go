package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"

	_ "modernc.org/sqlite" // the driver

	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// errClosed says that the store was closed.
var errClosed = errors.New("the read model is closed")

// pool lends connections that keep their prepared statements, which those of
// database/sql do not.
type pool struct {
	db   *sql.DB
	size int
	free chan *conn // nil for one that is to be opened
	done chan struct{}
	once sync.Once
	err  error // of closing
}

func newPool(dsn string, size int) (*pool, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	p := &pool{db: db, size: size, free: make(chan *conn, size), done: make(chan struct{})}
	for range size {
		p.free <- nil
	}
	return p, nil
}

func (p *pool) take(ctx context.Context) (*conn, error) {
	select {
	case <-p.done:
		return nil, errClosed
	default:
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.done:
		return nil, errClosed
	case c := <-p.free:
		if c != nil {
			return c, nil
		}
		sc, err := p.db.Conn(ctx)
		if err != nil {
			p.free <- nil
			return nil, err
		}
		return &conn{c: sc, statements: map[string]*sql.Stmt{}}, nil
	}
}

// put ends what transaction there is and gives the connection back.
func (p *pool) put(ctx context.Context, c *conn) {
	if !c.rollback(context.WithoutCancel(ctx)) {
		c.discard()
		c = nil
	}
	p.free <- c
}

// close waits for all connections. Once is enough.
func (p *pool) close() error {
	p.once.Do(func() {
		close(p.done)
		var errs []error
		for range p.size {
			if c := <-p.free; c != nil {
				errs = append(errs, c.close())
			}
		}
		p.err = errors.Join(append(errs, p.db.Close())...)
	})
	return p.err
}

// conn is a connection in the hands of one goroutine.
type conn struct {
	c          *sql.Conn
	statements map[string]*sql.Stmt
	open       bool // a transaction
}

func (c *conn) begin(ctx context.Context, sql string) error {
	_, err := c.exec(ctx, sql)
	// When ctx ends the driver says so, whatever SQLite has done: it may have begun.
	c.open = err == nil || ctx.Err() != nil
	return err
}

func (c *conn) commit(ctx context.Context) error {
	if _, err := c.exec(ctx, "COMMIT"); err != nil {
		return err
	}
	c.open = false
	return nil
}

// rollback reports whether the connection is without a transaction afterwards.
// It fails where SQLite has rolled back by itself; the connection is as good as
// new then, but that is not worth telling apart.
func (c *conn) rollback(ctx context.Context) bool {
	if !c.open {
		return true
	}
	c.open = false
	_, err := c.exec(ctx, "ROLLBACK")
	return err == nil
}

// prepared gives the statement, which lives as long as the connection. There are
// as many as there are statements in this module.
func (c *conn) prepared(ctx context.Context, sql string) (*sql.Stmt, error) {
	if st, ok := c.statements[sql]; ok {
		return st, nil
	}
	st, err := c.c.PrepareContext(ctx, sql)
	if err != nil {
		return nil, err
	}
	c.statements[sql] = st
	return st, nil
}

// exec gives the number of rows that were touched.
func (c *conn) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	st, err := c.prepared(ctx, sql) //nolint:sqlclosecheck // it lives as long as the connection
	if err != nil {
		return 0, err
	}
	result, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query runs a statement of package tables.
func (c *conn) Query(ctx context.Context, sql string, args ...any) (tables.Rows, error) {
	st, err := c.prepared(ctx, sql) //nolint:sqlclosecheck // it lives as long as the connection
	if err != nil {
		return nil, err
	}
	r, err := st.QueryContext(ctx, args...) //nolint:rowserrcheck // the caller closes and asks for errors
	if err != nil {
		return nil, err
	}
	return &rows{Rows: r}, nil
}

func (c *conn) close() error {
	var errs []error
	for _, st := range c.statements {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, c.c.Close())...)
}

// discard closes the connection itself, not only the hold on it.
func (c *conn) discard() {
	for _, st := range c.statements {
		_ = st.Close() // the connection goes with all it has
	}
	_ = c.c.Raw(func(any) error { return driver.ErrBadConn })
	_ = c.c.Close()
}

// rows are those of database/sql with the error of closing kept for Err.
type rows struct {
	*sql.Rows
	closing error
}

func (r *rows) Close() {
	if err := r.Rows.Close(); err != nil && r.closing == nil {
		r.closing = fmt.Errorf("close rows: %w", err)
	}
}

func (r *rows) Err() error { return errors.Join(r.Rows.Err(), r.closing) }
