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
		switch v.Status {
		case room.Parked:
			b.DeadLetters = []readmodel.DeadLetter{{
				Key: key, Partition: r.Partition, Offset: r.Offset, LogTime: r.Time.UnixMilli(), ID: e.ID, Type: e.Type,
				Code: v.Code, Message: r.Message,
			}}
			return b, nil
		case room.Duplicate:
			return b, nil
		case room.Accepted, room.Rejected:
		}
		b = batchOf(key, changes)
		prior := room.PriorOf(&e, v)
		if v.Seq == 0 {
			b.Outcomes = []readmodel.OutcomeRow{{
				Key: key, ID: e.ID, Type: e.Type, Sender: prior.Sender, Status: v.Status, Code: v.Code, Digest: prior.Digest,
				Binds: v.Binds(), LogTime: r.Time.UnixMilli(), Partition: r.Partition, Offset: r.Offset,
			}}
			return b, nil
		}
		b.Events = []readmodel.EventRow{{
			Key: key, Seq: v.Seq, ID: e.ID, Type: e.Type, Sender: prior.Sender, SentAt: e.Time.UnixMilli(), LogTime: changes.Header.LogTime,
			Partition: r.Partition, Offset: r.Offset, Digest: prior.Digest, ThreadRoot: prior.ThreadRoot,
			About: changes.About, Messages: changes.Header.Messages, Facts: string(e.RawFacts), Content: string(e.Content),
		}}
		rows = b.Events
		return b, nil
	})
	return rows, err
}

// batchOf is what a transaction writes of an event's changes.
func batchOf(key readmodel.Key, c room.Changes) (b readmodel.Batch) {
	if c.Header != nil {
		b.Headers = []*room.Header{c.Header}
	}
	for _, m := range c.Members {
		b.Members = append(b.Members, readmodel.MemberRow{Key: key, Member: m})
	}
	for _, s := range c.States {
		b.States = append(b.States, readmodel.StateRow{Key: key, StateChange: s})
	}
	for _, x := range c.Reactions {
		b.Reactions = append(b.Reactions, readmodel.ReactionRow{Key: key, ReactionChange: x})
	}
	if c.ThreadMark != nil {
		b.ThreadMarks = []readmodel.ThreadMarkRow{{Key: key, ThreadMark: *c.ThreadMark}}
	}
	if c.Mentions != nil {
		b.Mentions = []readmodel.MentionRow{{Key: key, Mentions: *c.Mentions}}
	}
	if c.Redaction != nil {
		b.Redactions = []readmodel.RedactionRow{{Key: key, Redaction: *c.Redaction}}
	}
	if c.Stay != nil {
		b.Stays = []readmodel.StayRow{{Key: key, Stay: *c.Stay}}
	}
	if c.History != nil {
		b.Histories = []readmodel.HistoryRow{{Key: key, HistoryChange: *c.History}}
	}
	return b
}
