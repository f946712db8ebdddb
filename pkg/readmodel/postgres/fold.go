package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// idle is the transaction status of a connection without a transaction.
const idle = 'I'

// Claim makes owner the one who may fold the partition. It waits for the end of
// a batch of the earlier owner's.
func (s *Store) Claim(ctx context.Context, p events.Partition, log events.LogID, owner string) (readmodel.Checkpoint, error) {
	c, err := s.claim(ctx, p, log, owner)
	if err != nil {
		return readmodel.Checkpoint{}, fmt.Errorf("claim partition %d: %w", p, gone(err))
	}
	return c, nil
}

func (s *Store) claim(ctx context.Context, p events.Partition, log events.LogID, owner string) (readmodel.Checkpoint, error) {
	if s.readOnly {
		return readmodel.Checkpoint{}, readmodel.ErrReadOnly
	}
	for _, statement := range []string{"begin", "claim"} {
		if err := s.may(statement); err != nil {
			return readmodel.Checkpoint{}, err
		}
	}
	c, err := tables.ScanCheckpoint(s.pool.QueryRow(ctx, tables.Claim, int64(p), log.String(), owner))
	if err != nil {
		return readmodel.Checkpoint{}, err
	}
	return c, s.may("committed")
}

// Fold runs one batch.
func (s *Store) Fold(ctx context.Context, fence readmodel.Fence, needs readmodel.Needs, fold func(readmodel.Rows) (readmodel.Batch, error)) error {
	if err := s.fold(ctx, fence, needs, fold); err != nil {
		return fmt.Errorf("fold partition %d from %d to %d: %w", fence.Partition, fence.Floor, fence.Next, gone(err))
	}
	return nil
}

func (s *Store) fold(ctx context.Context, fence readmodel.Fence, needs readmodel.Needs, fold func(readmodel.Rows) (readmodel.Batch, error)) error {
	if s.readOnly {
		return readmodel.ErrReadOnly
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer release(ctx, conn)

	first := pipeline{may: s.may}
	first.exec("begin", "BEGIN", nil, nil)
	for _, set := range s.settings {
		first.exec("begin", set, nil, nil)
	}
	first.exec("fence", tables.MoveCheckpoint, tables.FenceArgs(fence), func(t pgconn.CommandTag) error {
		if t.RowsAffected() == 0 {
			return readmodel.ErrFenced
		}
		return nil
	})
	wanted := tables.NewPrefetch(needs)
	first.prefetch(wanted)
	if err := first.run(ctx, conn); err != nil {
		return err
	}

	batch, err := fold(wanted.Rows())
	if err != nil {
		return err
	}

	second := pipeline{may: s.may}
	s.writeBatch(&second, &batch)
	second.exec("commit", "COMMIT", nil, nil)
	if err := second.run(ctx, conn); err != nil {
		return err
	}
	return s.may("committed")
}

func (s *Store) may(statement string) error {
	if s.fault == nil {
		return nil
	}
	return s.fault(statement)
}

// release rolls back what was not committed. Where that fails too the pool
// closes the connection, and the server rolls back.
func release(ctx context.Context, conn *pgxpool.Conn) {
	if c := conn.Conn(); !c.IsClosed() && c.PgConn().TxStatus() != idle {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_, _ = c.Exec(ctx, "ROLLBACK")
	}
	conn.Release()
}
