package sqlite

import (
	"context"
	"fmt"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// Claim makes owner the one who may fold the partition.
func (s *Store) Claim(ctx context.Context, p events.Partition, log events.LogID, owner string) (claimed readmodel.Checkpoint, err error) {
	err = s.write(ctx, func(t *tx) error {
		clear(t.rooms.known)
		return t.read("claim", tables.Claim, []any{int64(p), log.String(), owner}, func(r tables.Row) (err error) {
			claimed, err = tables.ScanCheckpoint(r)
			return err
		})
	})
	if err != nil {
		return readmodel.Checkpoint{}, fmt.Errorf("claim partition %d: %w", p, err)
	}
	return claimed, nil
}

// Fold runs one batch. A write that has begun is not interrupted by the context:
// it is asked between statements, each of which is short.
func (s *Store) Fold(ctx context.Context, fence readmodel.Fence, needs readmodel.Needs, fold func(readmodel.Rows) (readmodel.Batch, error)) error {
	err := s.write(ctx, func(t *tx) error {
		moved, err := t.exec("fence", tables.MoveCheckpoint, tables.FenceArgs(fence)...)
		if err != nil {
			return err
		}
		if moved == 0 {
			return readmodel.ErrFenced
		}
		rows, err := t.prefetch(needs)
		if err != nil {
			return err
		}
		batch, err := fold(rows)
		if err != nil {
			return err
		}
		return t.writeBatch(&batch)
	})
	if err != nil {
		return fmt.Errorf("fold partition %d from %d to %d: %w", fence.Partition, fence.Floor, fence.Next, err)
	}
	return nil
}

// write runs a transaction of the writer.
func (s *Store) write(ctx context.Context, run func(*tx) error) error {
	if s.writer == nil {
		return readmodel.ErrReadOnly
	}
	c, err := s.writer.lend(ctx)
	if err != nil {
		return err
	}
	defer s.writer.put(ctx, c) // rolls back what is not committed
	t := &tx{conn: c, ctx: ctx, detached: context.WithoutCancel(ctx), fault: s.fault, rooms: roomEnds{known: s.rooms}}
	if err := t.may("begin"); err != nil {
		return err
	}
	if err := c.lock(ctx); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	// Under the lock: a file that was removed can be written to its end, for nobody.
	if err := exists(s.path); err != nil {
		return err
	}
	if err := run(t); err != nil {
		return err
	}
	if err := t.may("commit"); err != nil {
		return err
	}
	if err := c.commit(context.WithoutCancel(ctx)); err != nil {
		t.rooms.forget()
		return fmt.Errorf("commit: %w", classify(err))
	}
	t.rooms.keep()
	s.committed(ctx, c, t.rows)
	if s.fault != nil {
		return s.fault("committed")
	}
	return nil
}

// tx is a transaction of the writer, for the time of one call of write; only
// therefore it holds contexts.
type tx struct {
	*conn
	ctx, detached context.Context
	fault         func(string) error
	rows          int64 // that were touched
	rooms         roomEnds
}

// may tells whether the transaction goes on with the statement.
func (t *tx) may(statement string) error {
	if t.fault != nil {
		if err := t.fault(statement); err != nil {
			return err
		}
	}
	return t.ctx.Err()
}

func (t *tx) exec(what, sql string, args ...any) (int64, error) {
	if err := t.may(what); err != nil {
		return 0, err
	}
	n, err := t.conn.exec(t.detached, sql, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, classify(err))
	}
	t.rows += n
	return n, nil
}

func (t *tx) read(what, sql string, args []any, row func(tables.Row) error) error {
	if err := t.may(what); err != nil {
		return err
	}
	rows, err := t.Query(t.detached, sql, args...)
	if err == nil {
		err = tables.Each(rows, row)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
