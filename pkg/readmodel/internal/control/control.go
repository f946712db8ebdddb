// Package control is what the stores' controls of versions have in common: the
// rules by which a version is added, made live and removed, over a transaction
// that the store brings.
package control

import (
	"context"
	"fmt"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

const (
	// farBehind is how many records a partition may lack for a cut-over to be tried
	// at all: what is folded in CatchUp.
	farBehind = 10_000
	// CatchUp is how long the live version waits, folding nothing, for the other
	// one to reach its checkpoints.
	CatchUp = time.Second
	// pollEvery is how often the other's checkpoints are looked at meanwhile.
	pollEvery = 2 * time.Millisecond
)

// Tx is a transaction on the control's tables that reaches into the versions'.
type Tx interface {
	tables.Tx
	// Place qualifies the tables of a version.
	Place(version int) string
	// Checkpoints of a version as they are now. [readmodel.ErrNoProjection] where
	// its tables are gone.
	Checkpoints(ctx context.Context, version int) ([]readmodel.Checkpoint, error)
	// Freeze waits for the version's open batches and keeps everyone from claiming
	// and folding until the transaction ends.
	Freeze(ctx context.Context, version int) error
	// Dialect is that of the versions' database.
	Dialect() *tables.Dialect
	// May is asked before a step: the store's Fault.
	May(step string) error
}

// CutOver makes a version live. It changes nothing where it fails.
//
// The two versions are folded by projectors that do not wait for each other, so
// under load there is hardly a moment in which one has reached the other in all
// partitions. Therefore the live one is stopped first, and the other comes up to
// it, or goes past it.
func CutOver(ctx context.Context, tx Tx, version int, now int64, before *readmodel.Beforehand) error {
	live, found, err := choose(ctx, tx, version)
	if err != nil || found.State == readmodel.Live {
		return err
	}
	at, err := tx.Checkpoints(ctx, live.Version)
	if err != nil {
		return fmt.Errorf("version %d: %w", live.Version, err)
	}
	if err := reached(ctx, tx, version, at, farBehind); err != nil {
		return err
	}
	if err := freeze(ctx, tx, live.Version, "freeze live"); err != nil {
		return err
	}
	if at, err = tx.Checkpoints(ctx, live.Version); err != nil {
		return fmt.Errorf("version %d: %w", live.Version, err)
	}
	if err := await(ctx, tx, version, at); err != nil {
		return err
	}
	if err := freeze(ctx, tx, version, "freeze target"); err != nil {
		return err
	}
	if err := reached(ctx, tx, version, at, 0); err != nil {
		return err
	}
	if err := tx.May("compare"); err != nil {
		return err
	}
	if err := same(ctx, tx, live.Version, version, at, before); err != nil {
		return err
	}
	if err := tx.May("switch"); err != nil {
		return err
	}
	return tables.Switch(ctx, tx, version, now)
}

// choose locks the control and gives the live version and the one that is asked for.
func choose(ctx context.Context, tx tables.Tx, version int) (live, found readmodel.Projection, err error) {
	if err := tables.LockControl(ctx, tx); err != nil {
		return live, found, err
	}
	all, err := tables.Projections(ctx, tx)
	if err != nil {
		return live, found, err
	}
	for _, p := range all {
		if p.State == readmodel.Live {
			live = p
		}
		if p.Version == version {
			found = p
		}
	}
	switch {
	case found.Version == 0:
		return live, found, fmt.Errorf("version %d: %w", version, readmodel.ErrNoProjection)
	case live.Version == 0:
		return live, found, fmt.Errorf("%w: none is live", readmodel.ErrNoProjection)
	}
	return live, found, nil
}

func freeze(ctx context.Context, tx Tx, version int, step string) error {
	if err := tx.May(step); err != nil {
		return err
	}
	if err := tx.Freeze(ctx, version); err != nil {
		return fmt.Errorf("stop version %d: %w", version, err)
	}
	return nil
}

// await waits until a version has reached the checkpoints.
func await(ctx context.Context, tx Tx, version int, at []readmodel.Checkpoint) error {
	deadline := time.NewTimer(CatchUp)
	defer deadline.Stop()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		err := reached(ctx, tx, version, at, 0)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		case <-deadline.C:
			return err
		case <-poll.C:
		}
	}
}

// reached tells whether a version is at the checkpoints or past them, but for
// some records a partition. Which decisions of operators are carried out is not
// compared: the cursor moves on with batches, also past what has nothing to do in the
// partition, so an idle one may lag for ever. What a decision does shows in the rooms.
func reached(ctx context.Context, tx Tx, version int, at []readmodel.Checkpoint, but events.Offset) error {
	list, err := tx.Checkpoints(ctx, version)
	if err != nil {
		return fmt.Errorf("version %d: %w", version, err)
	}
	there := make(map[events.Partition]readmodel.Checkpoint, len(list))
	for _, c := range list {
		there[c.Partition] = c
	}
	for _, live := range at {
		c, ok := there[live.Partition]
		switch {
		case c.Next+but < live.Next, !ok && but == 0:
			return &readmodel.BehindError{Partition: live.Partition, Next: c.Next, Live: live.Next}
		case ok && c.Log != live.Log && but == 0:
			return fmt.Errorf("version %d folds log %s in partition %d, the live one %s", version, c.Log, live.Partition, live.Log)
		}
	}
	return nil
}
