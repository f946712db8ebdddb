package partition

import (
	"context"
	"errors"
	"fmt"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector/internal/fold"
)

// carryOut does what operators have decided, in order, up to an offset of the
// decisions topic. Each decision moves the checkpoint's own offset in the
// transaction that does the last of it: one that was interrupted is begun again,
// which does no harm, since what it had judged is parked no more.
//
// The tables at a checkpoint are therefore those of a fold of the log below Next
// by the decisions below Decisions.
func (o *Owner) carryOut(ctx context.Context, to events.Offset) error {
	if err := RecogniseDecisions(o.claim, o.Book.Topic(), o.Book.Next()); err != nil {
		return o.acceptOther(ctx, to, err)
	}
	written := o.claim.Decisions
	for _, d := range o.Book.Since(o.reader.Partition(), o.claim.Decisions, to) {
		o.claim.Decisions = d.Offset // those before it are of other partitions
		done, err := o.decide(ctx, d)
		if err != nil {
			return fmt.Errorf("carry out the decision at offset %d: %w", d.Offset, err)
		}
		o.claim.Decisions = d.Offset + 1
		if done {
			written = o.claim.Decisions
		}
	}
	if written != o.claim.Decisions { // decisions that had nothing to do
		if _, err := o.write(ctx, o.fence(), fold.Parked(o.Judge, nil, o.Layout.Partitions, nil, o.cache)); err != nil {
			return err
		}
	}
	o.claim.Decisions = max(o.claim.Decisions, to)
	return nil
}

// acceptOther takes the decisions topic that there is for the one that is gone,
// if an operator says so in it. Decisions before that one are not carried out.
func (o *Owner) acceptOther(ctx context.Context, to events.Offset, lost error) error {
	for _, d := range o.Book.Since(o.reader.Partition(), 0, to) {
		if d.Type != decisions.GapAccepted {
			continue
		}
		if done, err := o.acceptGap(ctx, d, lost); done || err != nil {
			return err
		}
	}
	return lost
}

// decide carries out one decision. Done says that the checkpoint has been moved
// past it.
func (o *Owner) decide(ctx context.Context, d decisions.Decision) (done bool, err error) {
	switch d.Type {
	case decisions.RoomReleased, decisions.EventDiscarded:
		if d.Log != o.claim.Log {
			return false, nil
		}
		return o.release(ctx, d)
	case decisions.GapAccepted:
		return o.acceptGap(ctx, d, nil)
	default:
		return false, nil
	}
}

// discarded looks up the decisions about a log that have been reached; nil where there is
// nothing to look up. All that were reached have been read.
func (o *Owner) discarded(log events.LogID) fold.Discarded {
	if !o.Book.Discards() {
		return nil
	}
	return func(p events.Partition, at events.Offset, id events.EventID) (decisions.Decision, bool) {
		return o.Book.Discarded(log, p, at, id, o.claim.Decisions)
	}
}

// release judges the parked records of a room, up to one that is parked again.
// New ones go behind the last of them all the while.
func (o *Owner) release(ctx context.Context, d decisions.Decision) (done bool, err error) {
	k := readmodel.Key{Tenant: d.Tenant, Room: d.Room}
	upTo := d.Offset + 1
	discarded := func(p events.Partition, at events.Offset, id events.EventID) (decisions.Decision, bool) {
		return o.Book.Discarded(o.claim.Log, p, at, id, upTo)
	}
	for {
		limit := o.limit
		letters, err := o.parked(ctx, k, limit)
		if err != nil || len(letters) == 0 {
			return false, err
		}
		b := fold.Parked(o.Judge, discarded, o.Layout.Partitions, letters, o.cache)
		fence := o.fence()
		last := len(letters) < limit
		if last {
			fence.Decisions = upTo
		}
		written, err := o.write(ctx, fence, b)
		if errors.Is(err, readmodel.ErrRowRefused) {
			last = false
			written, err = o.releaseOneByOne(ctx, b, err)
		}
		if err != nil || last || len(written.DeadLetters) > 0 {
			return last, err
		}
	}
}

// releaseOneByOne finds the record whose row the database refuses, and parks it
// again. It gives what was written last.
func (o *Owner) releaseOneByOne(ctx context.Context, b *fold.Batch, refused error) (written readmodel.Batch, err error) {
	o.log.Warn("the database refused a row, releasing one by one", "error", refused)
	for _, one := range b.Split() {
		written, err = o.write(ctx, o.fence(), one)
		if errors.Is(err, readmodel.ErrRowRefused) {
			if written, err = o.write(ctx, o.fence(), one); errors.Is(err, readmodel.ErrRowRefused) {
				offset, _ := one.Last()
				one.Refuse(offset, err.Error())
				written, err = o.write(ctx, o.fence(), one)
			}
		}
		if err != nil || len(written.DeadLetters) > 0 {
			return written, err
		}
	}
	return written, nil
}

// parked reads the first parked records of a room. Only the owner writes them, so
// they are the same under the fence.
func (o *Owner) parked(ctx context.Context, k readmodel.Key, limit int) (letters []readmodel.DeadLetter, err error) {
	err = o.Store.Snapshot(ctx, func(r readmodel.Reader) error {
		letters, err = r.Parked(ctx, k, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the parked records: %w", err)
	}
	return letters, nil
}

// acceptGap moves the checkpoint to where an operator wants to go on, if there is
// the gap that the operator saw: the same checkpoint, of the same log, against
// the same present log. lost is a gap that has been found in the decisions.
func (o *Owner) acceptGap(ctx context.Context, d decisions.Decision, lost error) (done bool, err error) {
	switch {
	case d.From != o.claim.Log || d.Next != o.claim.Next:
		return false, nil
	case d.Log != o.Layout.Log: // to be carried out by a process that has opened that log
		return false, gap("the log is %s, this process has opened %s: restart it", d.Log, o.Layout.Log)
	}
	err = Recognise(ctx, o.reader, o.Layout, o.claim)
	if err == nil {
		err = lost
	}
	var found *GapError
	if !errors.As(err, &found) {
		return false, err
	}
	start, end, err := o.reader.Bounds(ctx)
	if err != nil {
		return false, fmt.Errorf("bounds of the log: %w", err)
	}
	if d.Resume < start || d.Resume > end {
		o.log.Error("an accepted gap leads out of the log", "resume", d.Resume, "start", start, "end", end)
		return false, nil
	}
	fence := o.fence()
	fence.Next, fence.Last, fence.LastID, fence.Log, fence.Decisions = d.Resume, 0, "", d.Log, d.Offset+1
	before, ok, err := o.reader.Before(ctx, d.Resume)
	if err != nil {
		return false, fmt.Errorf("read the record before offset %d: %w", d.Resume, err)
	}
	if ok {
		fence.Last, fence.LastID = before.Offset, readmodel.Fingerprint(before.Message)
	}
	if _, err := o.write(ctx, fence, fold.Parked(o.Judge, nil, o.Layout.Partitions, nil, o.cache)); err != nil {
		return false, err
	}
	o.claim.Log = d.Log
	o.claim.Decisions = d.Offset + 1
	o.log.Warn("an operator has accepted a gap", "gap", found.Reason, "from", d.Next, "resume", d.Resume, "by", d.By, "reason", d.Reason)
	return true, nil
}
