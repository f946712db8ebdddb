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
			if err := w.releaseAll(ctx, &claims[p]); err != nil {
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
				w.tell(timeline.Commit{Projection: 1, Epoch: c.Epoch, Partition: c.Partition, Floor: c.Next, Next: c.Next, Decisions: c.Decisions})
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
		fence := readmodel.Fence{
			Partition: c.Partition, Epoch: c.Epoch, Floor: c.Next, Next: r.Offset + 1,
			Last: r.Offset, LastID: readmodel.Fingerprint(r.Message), Now: w.Now().UnixMilli(),
		}
		if err := w.foldOne(ctx, c, fence, r, false); err != nil {
			return err
		}
	}
	return nil
}

// foldOne is a projector's transaction for one record, and what it tells of it.
func (w *World) foldOne(ctx context.Context, c *readmodel.Checkpoint, fence readmodel.Fence, r Record, unpark bool) error {
	e, err := events.Decode(r.Message)
	if err != nil {
		return err
	}
	key := readmodel.Key{Tenant: e.Tenant, Room: e.Room}
	of := readmodel.Needs{key: {Header: true, Needs: room.NeedsOf(&e)}}
	var written readmodel.Batch
	err = w.Store.Fold(ctx, fence, of, func(in readmodel.Rows) (readmodel.Batch, error) {
		written = w.judge(in.Views[key], in.Blocked[key] && !unpark, key, &e, r)
		if unpark {
			written.Unparked = []readmodel.Parked{{Key: key, Partition: r.Partition, Offset: r.Offset}}
		}
		return written, nil
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the test is over
	}
	if err != nil {
		return fmt.Errorf("fold %d/%d: %w", r.Partition, r.Offset, err)
	}
	c.Next, c.Last, c.LastID, c.Decisions = fence.Next, fence.Last, fence.LastID, max(c.Decisions, fence.Decisions)
	told := timeline.Commit{
		Projection: 1, Epoch: c.Epoch, Partition: c.Partition, Floor: fence.Floor, Next: fence.Next, Decisions: c.Decisions, Events: written.Events,
		Revocations: written.Revocations,
	}
	for _, d := range written.DeadLetters {
		if d.Code != "" {
			told.Blocked = append(told.Blocked, timeline.Block{Key: d.Key, Partition: d.Partition, Offset: d.Offset})
		}
	}
	w.tell(told)
	return nil
}

// judge gives what a record's transaction writes.
func (w *World) judge(view *room.View, blocked bool, key readmodel.Key, e *events.Event, r Record) readmodel.Batch {
	changes, v := room.Apply(view, e, r.Time)
	switch {
	case blocked:
		v = room.Verdict{Status: room.Parked}
	case w.parks(e):
		v = room.Verdict{Status: room.Parked, Code: room.CodeUnknownType}
	}
	var g readmodel.Gather
	if w.discards(e) {
		verdict, prior := room.Discard(view, e, e.Facts.By())
		g.Outcome(e, readmodel.Place{Partition: r.Partition, Offset: r.Offset, Time: r.Time}, prior, verdict)
		return g.Batch()
	}
	switch v.Status {
	case room.Parked:
		g.DeadLetter(readmodel.DeadLetter{
			Key: key, Partition: r.Partition, Offset: r.Offset, LogTime: r.Time.UnixMilli(), ID: e.ID, Type: e.Type.Versioned(e.Version),
			Code: v.Code, Message: r.Message,
		})
	case room.Accepted, room.Rejected:
		g.Judged(e, readmodel.Place{Partition: r.Partition, Offset: r.Offset, Time: r.Time}, changes, v)
	case room.Duplicate:
	}
	return g.Batch()
}
