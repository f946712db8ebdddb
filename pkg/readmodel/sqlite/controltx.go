package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// controlTx implements the transaction of package control. Beside the connection
// that has the control's file, and reads the versions' files that are attached to
// it, it has one for each version that it looks at or stops: what is attached
// shows one moment until the transaction ends, and would be locked all at once.
type controlTx struct {
	dir      string
	pool     *pool
	conn     *conn
	versions map[int]*version
	fault    func(string) error
}

// version is a connection to a version's file.
type version struct {
	pool *pool
	conn *conn
}

func (t *controlTx) Query(ctx context.Context, sql string, args ...any) (tables.Rows, error) {
	return t.conn.Query(ctx, sql, args...)
}

func (t *controlTx) Exec(ctx context.Context, sql string, args ...any) error {
	_, err := t.conn.exec(ctx, sql, args...)
	return err
}

func (t *controlTx) Place(version int) string { return "roomlog_v" + strconv.Itoa(version) }

func (t *controlTx) Dialect() *tables.Dialect { return dialect }

func (t *controlTx) Checkpoints(ctx context.Context, version int) ([]readmodel.Checkpoint, error) {
	v, err := t.version(ctx, version)
	if err != nil {
		return nil, err
	}
	return tables.CheckpointsIn(ctx, v.conn, "")
}

// Freeze takes the file's write lock.
func (t *controlTx) Freeze(ctx context.Context, version int) error {
	v, err := t.version(ctx, version)
	if err != nil {
		return err
	}
	return v.conn.lock(ctx)
}

func (t *controlTx) May(step string) error {
	if t.fault == nil {
		return nil
	}
	return t.fault(step)
}

// attach makes a version's file readable in the transaction. One that is gone is
// left out.
func (t *controlTx) attach(ctx context.Context, version int) error {
	path := versionPath(t.dir, version)
	if err := exists(path); err != nil {
		if errors.Is(err, readmodel.ErrNoProjection) {
			return nil
		}
		return err
	}
	if err := t.Exec(ctx, "ATTACH $1 AS "+t.Place(version), uri(path, "rw")); err != nil {
		return fmt.Errorf("attach version %d: %w", version, err)
	}
	return nil
}

// version gives the connection to a version's file.
func (t *controlTx) version(ctx context.Context, number int) (*version, error) {
	if v, ok := t.versions[number]; ok {
		return v, nil
	}
	path := versionPath(t.dir, number)
	if err := exists(path); err != nil {
		return nil, err
	}
	p := newPool(writing(path), 1)
	c, err := p.take(ctx)
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	v := &version{p, c}
	t.versions[number] = v
	return v, nil
}

// release ends the transaction where it was not committed, and lets the versions go
// on.
func (t *controlTx) release(ctx context.Context) error {
	t.pool.put(ctx, t.conn)
	var errs []error
	for _, v := range t.versions {
		v.pool.put(ctx, v.conn)
		errs = append(errs, v.pool.close())
	}
	return errors.Join(errs...)
}

func (t *controlTx) close() error { return t.pool.close() }
