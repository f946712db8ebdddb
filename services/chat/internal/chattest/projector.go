package chattest

import (
	"context"
	"fmt"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
)

// tick is how often the projector looks at the log without being told.
const tick = 20 * time.Millisecond

// project folds the log, one record a transaction, until ctx ends.
func (w *World) project(ctx context.Context) error {
	claims := make([]readmodel.Checkpoint, Partitions)
	for p := range claims {
		c, err := w.Store.Claim(ctx, events.Partition(p), w.Log.Layout().Log, "test")
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		claims[p] = c
	}
	t := time.NewTicker(tick)
	defer t.Stop()
	beacon := time.NewTicker(100 * time.Millisecond)
	defer beacon.Stop()
	for {
		for p := range claims {
			if err := w.foldAll(ctx, &claims[p]); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.Log.appended:
		case <-t.C:
		case <-beacon.C:
			for _, c := range claims {
				w.tell(timeline.Commit{Projection: 1, Epoch: c.Epoch, Partition: c.Partition, Floor: c.Next, Next: c.Next})
			}
		}
	}
}

func (w *World) foldAll(ctx context.Context, c *readmodel.Checkpoint) error {
	for _, r := range w.Log.from(c.Partition, c.Next) {
		select {
		case <-w.gate():
		case <-ctx.Done():
			return nil
		}
		rows, err := w.foldOne(ctx, c, r)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the test is over
		}
		if err != nil {
			return fmt.Errorf("fold %d/%d: %w", r.Partition, r.Offset, err)
		}
		w.tell(timeline.Commit{Projection: 1, Epoch: c.Epoch, Partition: c.Partition, Floor: r.Offset, Next: r.Offset + 1, Events: rows})
		c.Next = r.Offset + 1
	}
	return nil
}

// foldOne is a projector's transaction for one record.
func (w *World) foldOne(ctx context.Context, c *readmodel.Checkpoint, r Record) (rows []readmodel.EventRow, err error) {
	fence := readmodel.Fence{
		Partition: c.Partition, Epoch: c.Epoch, Floor: c.Next, Next: r.Offset + 1,
		Last: r.Offset, LastID: readmodel.Fingerprint(r.Message), Now: time.Now().UnixMilli(),
	}
	e, err := events.Decode(r.Message)
	if err != nil {
		return nil, err
	}
	key := readmodel.Key{Tenant: e.Tenant, Room: e.Room}
	of := readmodel.Needs{key: {Header: true, Needs: room.NeedsOf(&e)}}
	err = w.Store.Fold(ctx, fence, of, func(in readmodel.Rows) (b readmodel.Batch, err error) {
		changes, v := room.Apply(in.Views[key], &e, r.Time)
		if w.parks(&e) || in.Blocked[key] {
			v = room.Verdict{Status: room.Parked, Code: room.CodeUnknownType}
		}
		var g readmodel.Gather
		switch v.Status {
		case room.Parked:
			g.DeadLetter(readmodel.DeadLetter{
				Key: key, Partition: r.Partition, Offset: r.Offset, LogTime: r.Time.UnixMilli(), ID: e.ID, Type: e.Type,
				Code: v.Code, Message: r.Message,
			})
		case room.Accepted, room.Rejected:
			g.Judged(&e, readmodel.Place{Partition: r.Partition, Offset: r.Offset, Time: r.Time}, changes, v)
		case room.Duplicate:
		}
		b = g.Batch()
		rows = b.Events
		return b, nil
	})
	return rows, err
}
