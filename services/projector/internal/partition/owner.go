// Package partition is the life of one assigned partition: claim the
// checkpoint, make sure that the log is the one it was made of, then fold batch
// after batch, each in one transaction under the fence of the claim, and tell
// the timeline what became visible.
//
// Nothing that fails makes it skip: a database or a broker that is away is tried
// again for as long as the partition is assigned, a log that is not the one that
// was folded stops the partition until an operator decides.
package partition

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/roomlog/roomlog/pkg/crashpoint"
	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/projector/internal/fold"
)

const (
	firstBackoff = 50 * time.Millisecond
	maxBackoff   = 5 * time.Second
	// finishTimeout bounds a batch that was begun when the partition was revoked.
	finishTimeout = 10 * time.Second
	// lateAfter is how old the end of a full batch is that comes too late to be told
	// live.
	lateAfter = 5 * time.Second
	endless   = events.Offset(math.MaxInt64)
)

// Reader reads the partition's records; [eventlog.Reader] in production.
type Reader interface {
	Partition() events.Partition
	Seek(events.Offset)
	Read(ctx context.Context, limit int) ([]eventlog.Record, error)
	Bounds(ctx context.Context) (start, end events.Offset, err error)
	At(ctx context.Context, o events.Offset) (eventlog.Record, bool, error)
	Before(ctx context.Context, o events.Offset) (eventlog.Record, bool, error)
}

// Config is what owners of partitions share.
type Config struct {
	Store  readmodel.Store
	Layout eventlog.Layout
	// Owner names this process in the checkpoint.
	Owner string
	Judge fold.Judge
	// Book has the operators' decisions.
	Book *decisions.Book
	// MaxBatch is the most records of a transaction, RoomCache the rooms whose
	// headers are kept per partition, and as many members of rooms.
	MaxBatch, RoomCache int
	// Slots bounds how many partitions fold at the same time.
	Slots chan struct{}
	// Announce tells the timeline of a commit; it must not block for long.
	Announce func(Commit)
	// Listeners are those whom Announce tells; without any, records gather.
	Listeners *timeline.Listeners
	// Committed tells the group how far the partition is, a gauge only.
	Committed func(events.Partition, events.Offset)
	States    *States
	Metrics   *Metrics
	Logger    *slog.Logger
	Now       func() time.Time
}

// Commit is what one transaction made visible.
type Commit struct {
	Partition   events.Partition
	Epoch       int64
	Floor, Next events.Offset
	// Decisions is the first decision not carried out. Where it has moved, events
	// may have become visible at offsets below Floor.
	Decisions events.Offset
	Events    []readmodel.EventRow
	// Blocked are the rooms of which an event was parked, in log order.
	Blocked     []timeline.Block
	Revocations []readmodel.RevocationRow
	// Late says that the partition is behind: the events are left out, and the next
	// commit or beacon is soon enough to say how far it is.
	Late bool
}

// Owner folds one partition while it is assigned.
type Owner struct {
	Config
	reader Reader
	log    *slog.Logger
	cache  *fold.Cache
	claim  readmodel.Checkpoint
	limit  int // of records in a batch, now
	pace   pace
}

// NewOwner makes the owner of the reader's partition.
func NewOwner(c Config, r Reader) (*Owner, error) {
	cache, err := fold.NewCache(c.RoomCache)
	if err != nil {
		return nil, err
	}
	return &Owner{Config: c, reader: r, cache: cache, log: c.Logger.With("partition", r.Partition()), limit: c.MaxBatch}, nil
}

// Run folds until ctx ends. It returns nil then, whatever was going on: all that
// matters is committed or will be folded again by the next owner.
func (o *Owner) Run(ctx context.Context) error {
	p := o.reader.Partition()
	defer o.States.remove(p)
	backoff := firstBackoff
	said := ""
	for ctx.Err() == nil {
		before := o.claim.Next
		decided := o.Book.Changed(p)
		err := o.claimAndFold(ctx)
		var gap *GapError
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, readmodel.ErrNoProjection):
			o.log.Info("the version of the projection is gone")
			return nil
		case errors.As(err, &gap):
			o.log.Error("partition stopped: the log is not the one that was folded", "reason", gap.Reason)
			o.States.Set(p, Stopped, gap.Reason)
			select { // only an operator's decision can change that
			case <-decided:
			case <-ctx.Done():
			}
		default:
			if o.claim.Next != before {
				backoff = firstBackoff
			}
			if o.States.Phase(p) == Folding {
				said = ""
			}
			level := slog.LevelWarn
			if said == err.Error() {
				level = slog.LevelDebug // it is said once
			}
			said = err.Error()
			o.log.Log(ctx, level, "partition paused, will claim it again", "error", err, "after", backoff)
			o.States.Set(p, Paused, err.Error())
			o.Metrics.pauses.Inc()
			// A batch that the database cannot take in its time is not tried for ever.
			o.limit = max(o.limit/2, 1)
			sleep(ctx, backoff)
			backoff = min(2*backoff, maxBackoff)
		}
	}
	return nil
}

// claimAndFold folds until something fails or ctx ends.
func (o *Owner) claimAndFold(ctx context.Context) error {
	if err := o.begin(ctx, endless); err != nil {
		return err
	}
	for {
		decided := o.Book.Changed(o.reader.Partition())
		if err := o.carryOut(ctx, o.Book.Next()); err != nil {
			return err
		}
		if err := o.foldUntil(ctx, decided); !errors.Is(err, errDecided) {
			return err
		}
		o.reader.Seek(o.claim.Next) // what was being read when it was interrupted is lost
	}
}

var errDecided = errors.New("an operator has decided")

// foldUntil folds until something fails or decided is closed: errDecided.
func (o *Owner) foldUntil(ctx context.Context, decided <-chan struct{}) error {
	reading, interrupt := context.WithCancel(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer interrupt()
	watch.Go(func() {
		defer interrupt()
		select {
		case <-decided:
		case <-reading.Done():
		}
	})
	for {
		err := o.next(ctx, reading, endless)
		select {
		case <-decided:
			if ctx.Err() == nil && (err == nil || errors.Is(err, context.Canceled)) {
				return errDecided
			}
		default:
		}
		if err != nil {
			return err
		}
	}
}

// CatchUp claims the partition and folds up to the offset, once, by the decisions
// below another: for a scratch store that nobody else writes.
func (o *Owner) CatchUp(ctx context.Context, to, decisions events.Offset) error {
	if err := o.begin(ctx, decisions); err != nil {
		return err
	}
	for o.claim.Next < to {
		if err := o.next(ctx, ctx, to); err != nil {
			return err
		}
	}
	return nil
}

// begin claims the partition, carries out the decisions below an offset,
// recognises the log and seeks to the checkpoint.
func (o *Owner) begin(ctx context.Context, to events.Offset) error {
	p := o.reader.Partition()
	if o.States.Phase(p) != Stopped { // until the log is recognised
		o.States.Set(p, Claiming, "")
	}
	if err := o.Book.Ready(ctx); err != nil {
		return err
	}
	cp, err := o.Store.Claim(ctx, p, o.Layout.Log, o.Owner)
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	o.claim = cp
	o.cache.Purge() // others may have folded meanwhile, or a commit of ours is not what it seemed
	if err := o.carryOut(ctx, min(to, o.Book.Next())); err != nil {
		return err
	}
	cp = o.claim
	if err := Recognise(ctx, o.reader, o.Layout, cp); err != nil {
		return err
	}
	o.log.Info("partition claimed", "epoch", cp.Epoch, "offset", cp.Next)
	o.reader.Seek(cp.Next)
	o.States.Set(p, Folding, "")
	o.States.advance(p, cp.Next, updated(cp))
	o.Announce(Commit{Partition: p, Epoch: cp.Epoch, Floor: cp.Next, Next: cp.Next, Decisions: cp.Decisions})
	return nil
}

// next folds the next batch, up to the offset. reading ends the wait for records.
func (o *Owner) next(ctx, reading context.Context, to events.Offset) error {
	records, err := o.read(reading)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	crashpoint.At(crashpoint.Fetched)
	n := len(records)
	for n > 0 && records[n-1].Offset >= to {
		n--
	}
	if n == 0 {
		return fmt.Errorf("the log has no record between offsets %d and %d", o.claim.Next, to)
	}
	o.pace.saw(records[:n], o.Now())
	return o.foldBatch(ctx, fold.New(o.Judge, o.discarded(o.Layout.Log), o.Layout.Partitions, records[:n], o.cache))
}

// foldBatch folds a batch; where the database refuses a row, it finds the record
// and parks its room.
func (o *Owner) foldBatch(ctx context.Context, b *fold.Batch) error {
	err := o.commit(ctx, b)
	if !errors.Is(err, readmodel.ErrRowRefused) {
		return err
	}
	o.log.Warn("the database refused a row, folding one by one", "error", err)
	for _, one := range b.Split() {
		if err := o.commit(ctx, one); err != nil {
			if !errors.Is(err, readmodel.ErrRowRefused) {
				return err
			}
			if err = o.commit(ctx, one); errors.Is(err, readmodel.ErrRowRefused) {
				offset, _ := one.Last()
				o.log.Error("the database refuses an event's row alone, its room is parked", "offset", offset, "error", err)
				one.Refuse(offset, err.Error())
				err = o.commit(ctx, one)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// commit folds the next records in one transaction.
func (o *Owner) commit(ctx context.Context, b *fold.Batch) error {
	fence := o.fence()
	fence.Last, fence.LastID = b.Last()
	fence.Next = fence.Last + 1
	_, err := o.write(ctx, fence, b)
	if err == nil {
		o.Committed(fence.Partition, fence.Next)
	}
	return err
}

// fence is that of a transaction that leaves the checkpoint where it is.
func (o *Owner) fence() readmodel.Fence {
	return readmodel.Fence{
		Partition: o.reader.Partition(), Epoch: o.claim.Epoch, Floor: o.claim.Next, Next: o.claim.Next,
		Last: o.claim.Last, LastID: o.claim.LastID, Decisions: o.claim.Decisions,
		DecisionsLog: o.Book.Topic(), Now: o.Now().UnixMilli(),
	}
}

// write folds b in one transaction. A batch that was begun is finished even
// where the partition is revoked meanwhile: it was fenced when it began.
func (o *Owner) write(ctx context.Context, fence readmodel.Fence, b *fold.Batch) (written readmodel.Batch, err error) {
	select {
	case o.Slots <- struct{}{}:
		defer func() { <-o.Slots }()
	case <-ctx.Done():
		return written, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	begun := time.Now()
	err = o.Store.Fold(ctx, fence, b.Needs(), func(rows readmodel.Rows) (out readmodel.Batch, err error) {
		written, err = b.Fold(rows)
		crashpoint.At(crashpoint.Folded)
		return written, err
	})
	if err != nil {
		return written, fmt.Errorf("fold offsets %d to %d: %w", fence.Floor, fence.Next, err)
	}
	o.Metrics.committed(b.Len(), written, time.Since(begun))
	b.Committed()
	o.limit = min(o.limit+1+o.MaxBatch/32, o.MaxBatch)
	o.claim.Next, o.claim.Last, o.claim.LastID, o.claim.Decisions = fence.Next, fence.Last, fence.LastID, fence.Decisions
	if fence.DecisionsLog != (events.LogID{}) {
		o.claim.DecisionsLog = fence.DecisionsLog
	}
	told := Commit{
		Partition: fence.Partition, Epoch: fence.Epoch, Floor: fence.Floor, Next: fence.Next, Decisions: fence.Decisions, Events: written.Events, Revocations: written.Revocations,
	}
	if at := b.LogTime(); b.Len() >= o.MaxBatch && !at.IsZero() && o.Now().Sub(at) > lateAfter {
		told.Events, told.Revocations, told.Late = nil, nil, true
	}
	for _, d := range written.DeadLetters {
		if d.Code != "" {
			told.Blocked = append(told.Blocked, timeline.Block{Key: d.Key, Partition: d.Partition, Offset: d.Offset})
			o.log.Error("room parked", "tenant", d.Tenant, "room_id", d.Room, "offset", d.Offset, "event_id", d.ID, "code", d.Code, "reason", d.Reason)
		}
	}
	o.Announce(told)
	o.States.advance(fence.Partition, fence.Next, b.LogTime())
	for _, r := range written.BadRecords {
		o.log.Warn("record is no event, set aside", "offset", r.Offset, "reason", r.Reason)
	}
	return written, nil
}

// updated is when a checkpoint was moved last, the best guess at how old what
// comes next is.
func updated(cp readmodel.Checkpoint) time.Time {
	if cp.Updated == 0 {
		return time.Time{}
	}
	return time.UnixMilli(cp.Updated)
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
