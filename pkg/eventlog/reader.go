package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/roomlog/roomlog/pkg/events"
)

const (
	fetchWait = 500 * time.Millisecond // how long a broker holds a request for more records
	// maxFetchBytes is as the brokers have them: 13,000 messages of 200 characters, more
	// than a projector lets gather. Compressed, small records can be twenty times as large
	// in memory, and each partition has a fetch in hand and one that is on its way. A
	// larger batch comes all the same.
	maxFetchBytes = 1 << 20
)

// errReopen says that fetching has to begin anew, and may succeed then.
var errReopen = errors.New("fetch anew")

// Reader reads one partition of a log, with connections of its own: a broker that
// is stuck holds up the readers of its own partitions only. It is not safe for
// concurrent use.
type Reader struct {
	cfg       Config
	layout    Layout
	partition events.Partition
	next      events.Offset
	tail      *kgo.Client // fetches from next on; nil: to be opened
	ask       *kgo.Client // for Bounds; nil: to be opened
}

// NewReader makes a reader that stands at offset 0. It connects when it is first
// used. An invalid config shows there.
func NewReader(cfg Config, l Layout, p events.Partition) *Reader {
	return &Reader{cfg: cfg, layout: l, partition: p}
}

// Partition is the one that is read.
func (r *Reader) Partition() events.Partition { return r.partition }

// Layout is the log's.
func (r *Reader) Layout() Layout { return r.layout }

// Next is the offset from which Read goes on.
func (r *Reader) Next() events.Offset { return r.next }

// Seek makes the next Read begin at an offset. What was fetched already is
// dropped.
func (r *Reader) Seek(o events.Offset) {
	r.stop()
	r.next = o
}

// Read gives up to limit records from where the reader stands, in their order,
// and moves on behind them. It blocks until there is at least one. Offsets may
// have holes. A broker that is away is waited for.
//
// Errors: the context's, with its cause; [ErrOffsetOutOfRange]; [ErrTopicReplaced];
// [ErrDataLoss]; else what the broker refuses. After an error the reader stands
// where it stood.
func (r *Reader) Read(ctx context.Context, limit int) ([]Record, error) {
	for {
		if r.tail == nil {
			tail, err := r.open(ctx, r.next)
			if err != nil {
				return nil, r.fail("read", err)
			}
			r.tail = tail
		}
		records, err := r.poll(ctx, r.tail, limit)
		if err != nil && ctx.Err() == nil {
			r.stop() // kgo does not go on after an error of a partition
		}
		switch {
		case errors.Is(err, errReopen):
			continue
		case err != nil:
			return nil, r.fail("read", err)
		case len(records) == 0:
			continue
		}
		out := make([]Record, len(records))
		for i, rec := range records {
			out[i] = recordOf(rec)
		}
		r.next = out[len(out)-1].Offset + 1
		return out, nil
	}
}

// Bounds are the offset of the partition's first record, or of the next where it
// has none, and the offset that the next record will have. Errors are as in Read,
// but a broker that is away is an error after the request's time-out.
func (r *Reader) Bounds(ctx context.Context) (start, end events.Offset, err error) {
	if err := r.client(); err != nil {
		return 0, 0, r.fail("bounds", err)
	}
	if err := checkTopic(ctx, r.ask, r.layout); err != nil {
		return 0, 0, r.fail("bounds", err)
	}
	var at [2]events.Offset
	for i, which := range []int64{atStart, atEnd} {
		o, err := listOffsets(ctx, r.ask, r.layout.Topic, []int32{int32(r.partition)}, which)
		if err != nil {
			return 0, 0, r.fail("bounds", err)
		}
		at[i] = o[0]
	}
	return at[0], at[1], nil
}

// Close ends the connections. The reader can be used again.
func (r *Reader) Close() {
	r.stop()
	if r.ask != nil {
		r.ask.Close()
		r.ask = nil
	}
}

func (r *Reader) stop() {
	if r.tail != nil {
		r.tail.CloseAllowingRebalance()
		r.tail = nil
	}
}

func (r *Reader) fail(what string, err error) error {
	return fmt.Errorf("%s %s/%d at offset %d: %w", what, r.layout.Topic, r.partition, r.next, err)
}

func (r *Reader) client() error {
	if r.ask != nil {
		return nil
	}
	cfg, err := r.cfg.complete()
	if err != nil {
		return err
	}
	r.ask, err = newKgo(cfg)
	return err
}

// open begins to fetch at an offset, of this very topic.
func (r *Reader) open(ctx context.Context, from events.Offset, opts ...kgo.Opt) (*kgo.Client, error) {
	// The topic is looked at by another client first: one that is closed while it
	// begins to fetch races with itself (kgo 1.22).
	if err := r.client(); err != nil {
		return nil, err
	}
	if err := awaitTopic(ctx, r.ask, r.layout); err != nil {
		return nil, err
	}
	cfg, err := r.cfg.complete()
	if err != nil {
		return nil, err
	}
	cl, err := newKgo(cfg, append([]kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
			r.layout.Topic: {int32(r.partition): kgo.NewOffset().At(int64(from))},
		}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxWait(fetchWait),
		kgo.FetchMaxBytes(maxFetchBytes),
		kgo.FetchMaxPartitionBytes(maxFetchBytes),
		kgo.MaxConcurrentFetches(1),
		kgo.WithHooks(&breaths{}),
	}, opts...)...)
	if err != nil {
		return nil, err
	}
	// Then by this one, which has its connections after that: what a broker says while
	// it starts is not an error of the first fetch.
	if err := awaitTopic(ctx, cl, r.layout); err != nil {
		cl.Close()
		return nil, err
	}
	return cl, nil
}

// poll gives what was fetched, or nothing; or the first error.
func (r *Reader) poll(ctx context.Context, cl *kgo.Client, limit int) ([]*kgo.Record, error) {
	fetches := cl.PollRecords(ctx, limit)
	var out []*kgo.Record
	for _, f := range fetches {
		for _, t := range f.Topics {
			for _, p := range t.Partitions {
				if p.Err != nil {
					return nil, r.fetchError(ctx, cl, p.Err)
				}
				if len(p.Records) > 0 && t.TopicID != [16]byte(r.layout.Log) {
					return nil, replaced(r.layout, t.TopicID)
				}
				out = append(out, p.Records...)
			}
		}
	}
	return out, nil
}

// fetchError says in this package's words what kgo says.
func (r *Reader) fetchError(ctx context.Context, cl *kgo.Client, err error) error {
	var lost *kgo.ErrDataLoss
	switch {
	case ctx.Err() != nil:
		return ended(ctx)
	case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID), errors.Is(err, kerr.UnknownTopicOrPartition):
		// A broker that has only just started says so of topics that are there.
		if err := awaitTopic(ctx, cl, r.layout); err != nil {
			return err
		}
		return errReopen
	case errors.Is(err, kerr.OffsetOutOfRange):
		// Perhaps it is out of another topic's range.
		if err := checkTopic(ctx, cl, r.layout); errors.Is(err, ErrTopicReplaced) {
			return err
		}
		return ErrOffsetOutOfRange
	case errors.As(err, &lost):
		return fmt.Errorf("%w: %w", ErrDataLoss, err)
	default:
		return err
	}
}

// ended is the error of a context that has ended: its own and its cause.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}
