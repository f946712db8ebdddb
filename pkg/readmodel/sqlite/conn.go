package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

const (
	// lockTimeout is how long a transaction that writes waits for another writer.
	lockTimeout = 10 * time.Second
	// lockPause is the pause where SQLite itself does not wait.
	lockPause = 10 * time.Millisecond
)

// conn is a connection in the hands of one goroutine. What it runs is interrupted
// when the context ends that it is attached to, until it is detached.
type conn struct {
	c          *sqlite.Conn
	statements map[string]*statement
	// interrupt, closed, ends what runs. The goroutine that SQLite's binding has wait for
	// it is there for as long as the connection: one a read cost a page a tenth.
	interrupt chan struct{}
	stop      func() bool // nil: detached
	// wal is the file's WAL once this connection has written to it, and unwritten how many
	// pages of it were not handed to the disk, about. SQLite removes no WAL of a file that
	// is open.
	wal       *os.File
	unwritten int64
}

// statement is prepared, and lives as long as its connection.
type statement struct {
	*sqlite.Stmt
	// args has for each parameter which of the arguments it is: SQLite numbers $3 by
	// where it stands.
	args []int
}

// connect opens a file and sets what a connection has for itself.
func connect(ctx context.Context, s source) (*conn, error) {
	c, err := sqlite.OpenConn(s.uri, sqlite.OpenReadWrite, sqlite.OpenCreate, sqlite.OpenURI)
	if err != nil {
		return nil, err
	}
	opened := &conn{c: c, statements: map[string]*statement{}}
	opened.interruptible()
	opened.attach(ctx)
	for _, pragma := range s.pragmas {
		if err := opened.set(ctx, pragma); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", pragma, err), opened.close())
		}
	}
	opened.detach()
	return opened, nil
}

// set sets what a connection has for itself. Who gives a new file its WAL needs it for
// that alone, and SQLite does not wait for others who are about to do the same.
func (c *conn) set(ctx context.Context, pragma string) error {
	for begun := time.Now(); ; {
		_, err := c.exec(ctx, "PRAGMA "+pragma)
		if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy || time.Since(begun) > lockTimeout {
			return err
		}
		again := time.NewTimer(lockPause)
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// interruptible makes the connection run again, or for the first time.
func (c *conn) interruptible() {
	c.interrupt = make(chan struct{})
	c.c.SetInterrupt(c.interrupt)
}

// attach has what comes interrupted when the context ends.
func (c *conn) attach(ctx context.Context) {
	interrupt := c.interrupt
	c.stop = context.AfterFunc(ctx, func() { close(interrupt) })
}

// detach lets what comes run to its end, whatever becomes of the context.
func (c *conn) detach() {
	if c.stop == nil {
		return
	}
	if !c.stop() { // it is interrupted, or about to be
		<-c.interrupt
		c.interruptible()
	}
	c.stop = nil
}

func (c *conn) begin(ctx context.Context) error {
	_, err := c.exec(ctx, "BEGIN")
	return err
}

// lock begins a transaction that writes. From then on it is not interrupted.
func (c *conn) lock(ctx context.Context) error {
	c.detach()
	c.c.SetBusyTimeout(0)
	_, err := c.exec(ctx, "BEGIN IMMEDIATE")
	c.c.SetBlockOnBusy()
	if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	c.attach(bounded)
	defer c.detach()
	_, err = c.exec(bounded, "BEGIN IMMEDIATE")
	return err
}

func (c *conn) commit(ctx context.Context) error {
	c.detach()
	_, err := c.exec(ctx, "COMMIT")
	return err
}

// rollback ends what transaction there is, and reports whether the connection is
// without one afterwards.
func (c *conn) rollback(ctx context.Context) bool {
	c.detach()
	if c.c.AutocommitEnabled() {
		return true
	}
	_, err := c.exec(ctx, "ROLLBACK")
	return err == nil
}

// statement prepares, once. There are as many as there are statements in this module.
func (c *conn) statement(sql string) (*statement, error) {
	if st, ok := c.statements[sql]; ok {
		return st, nil
	}
	prepared, err := c.c.Prepare(sql)
	if err != nil {
		return nil, err
	}
	st := &statement{prepared, make([]int, prepared.BindParamCount())}
	for i := range st.args {
		st.args[i] = i
		if name := prepared.BindParamName(i + 1); name != "" {
			n, err := strconv.Atoi(name[1:])
			if err != nil {
				return nil, fmt.Errorf("parameter %s: %w", name, err)
			}
			st.args[i] = n - 1
		}
	}
	c.statements[sql] = st
	return st, nil
}

// prepared gives the statement with its arguments.
func (c *conn) prepared(sql string, args []any) (*statement, error) {
	st, err := c.statement(sql)
	if err != nil {
		return nil, err
	}
	for i, arg := range st.args {
		if arg >= len(args) {
			return nil, fmt.Errorf("the statement takes argument %d of %d", arg+1, len(args))
		}
		switch v := args[arg].(type) {
		case string:
			st.BindText(i+1, v)
		case int64:
			st.BindInt64(i+1, v)
		case int:
			st.BindInt64(i+1, int64(v))
		default:
			return nil, fmt.Errorf("argument %d is a %T", arg+1, v)
		}
	}
	return st, nil
}

// exec gives the number of rows that were touched.
func (c *conn) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	st, err := c.prepared(sql, args)
	if err != nil {
		return 0, cause(ctx, err)
	}
	return c.run(ctx, st)
}

// run runs a statement as it is bound, and gives the number of rows that were touched.
func (c *conn) run(ctx context.Context, st *statement) (_ int64, err error) {
	for more := true; more; {
		if more, err = st.Step(); err != nil {
			return 0, cause(ctx, err)
		}
	}
	if err := st.Reset(); err != nil {
		return 0, cause(ctx, err)
	}
	return int64(c.c.Changes()), nil
}

// Query runs a statement of package tables.
func (c *conn) Query(ctx context.Context, sql string, args ...any) (tables.Rows, error) {
	st, err := c.prepared(sql, args)
	if err != nil {
		return nil, cause(ctx, err)
	}
	return &rows{st: st, failed: func(err error) error { return cause(ctx, err) }}, nil
}

// cause is why a statement was interrupted.
func cause(ctx context.Context, err error) error {
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultInterrupt && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (c *conn) close() error {
	c.detach()
	if c.wal != nil {
		_ = c.wal.Close()
	}
	return c.c.Close()
}
