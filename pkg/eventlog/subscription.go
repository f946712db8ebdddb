package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/pkg/events"
)

const subscriptionBatch = 100 // records read at a time

// subscription is one call to [Subscriber.Subscribe].
type subscription struct {
	cfg    SubscriberConfig
	layout Layout
	source *Source         // nil without a group
	begin  []events.Offset // by partition; nil: at the start of the log
	out    chan *message.Message

	// commits are serialized, so that an earlier one cannot overtake the last
	// one of a partition and set its new owner back.
	mu   sync.Mutex
	next map[events.Partition]events.Offset // acknowledged and not yet committed
}

type recordKey struct{}

// RecordFrom gives the record that a message's context came from.
func RecordFrom(ctx context.Context) (Record, bool) {
	r, ok := ctx.Value(recordKey{}).(Record)
	return r, ok
}

func (s *subscription) run(ctx context.Context) error {
	if s.source == nil {
		return s.runAll(ctx)
	}
	done := make(chan struct{})
	committing, stop := context.WithCancel(ctx)
	go func() {
		defer close(done)
		s.commitAlways(committing)
	}()
	err := s.source.Run(ctx, s.handleShared)
	stop()
	<-done
	return err
}

// runAll reads all partitions; the first that cannot go on ends it.
func (s *subscription) runAll(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for p := range events.Partition(s.layout.Partitions) {
		all.Go(func() {
			r := NewReader(s.cfg.Config, s.layout, p)
			defer r.Close()
			if err := s.seek(ctx, r); err != nil {
				cancel(err)
				return
			}
			cancel(s.deliverAll(ctx, r))
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

func (s *subscription) handleShared(ctx context.Context, r *Reader) error {
	at, ok, err := s.committed(ctx, r.Partition())
	switch {
	case err != nil:
		return err
	case ok:
		r.Seek(at)
	default:
		if err := s.seek(ctx, r); err != nil {
			return err
		}
		s.acknowledge(r.Partition(), r.Next()) // what is appended from now on is the group's
	}
	defer s.commitLast(ctx, r.Partition())
	return s.deliverAll(ctx, r)
}

// seek goes to where the subscription begins.
func (s *subscription) seek(ctx context.Context, r *Reader) error {
	if s.begin != nil {
		r.Seek(s.begin[r.Partition()])
		return nil
	}
	return retry(ctx, func() error {
		start, _, err := r.Bounds(ctx)
		r.Seek(start)
		return err
	})
}

func (s *subscription) committed(ctx context.Context, p events.Partition) (at events.Offset, ok bool, err error) {
	err = retry(ctx, func() error {
		at, ok, err = s.source.Committed(ctx, p)
		return err
	})
	return at, ok, err
}

// retry repeats what a broker that is away makes fail.
func retry(ctx context.Context, f func() error) error {
	for wait := minRetry; ; wait = min(2*wait, maxRetry) {
		err := f()
		if err == nil || errors.Is(err, ErrTopicReplaced) || errors.Is(err, ErrNotRunning) {
			return err
		}
		select {
		case <-ctx.Done():
			return ended(ctx)
		case <-time.After(wait):
		}
	}
}

// deliverAll reads and delivers until ctx ends or there is no going on.
func (s *subscription) deliverAll(ctx context.Context, r *Reader) error {
	for {
		records, err := r.Read(ctx, subscriptionBatch)
		if errors.Is(err, ErrOffsetOutOfRange) && s.cfg.SkipDeleted {
			err = s.skip(ctx, r)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		for _, rec := range records {
			if err := s.deliver(ctx, rec); err != nil {
				return err
			}
			if s.source != nil {
				s.acknowledge(rec.Partition, rec.Offset+1)
			}
		}
	}
}

// skip goes to the oldest record, if that is ahead.
func (s *subscription) skip(ctx context.Context, r *Reader) error {
	start, _, err := r.Bounds(ctx)
	if err != nil {
		return err
	}
	if start <= r.Next() {
		return ErrOffsetOutOfRange
	}
	s.cfg.Logger.Warn("records were deleted before they were read", "topic", s.layout.Topic,
		"partition", r.Partition(), "from", r.Next(), "to", start)
	r.Seek(start)
	return nil
}

// deliver offers a record until it is acknowledged.
func (s *subscription) deliver(ctx context.Context, rec Record) error {
	for {
		m, err := s.cfg.Unmarshal(rec)
		if err != nil {
			s.cfg.Logger.Error("record passed over", "topic", s.layout.Topic, "partition", rec.Partition, "offset", rec.Offset, "error", err)
			return nil
		}
		acked, err := s.offer(ctx, rec, m)
		if err != nil || acked {
			return err
		}
		select {
		case <-ctx.Done():
			return ended(ctx)
		case <-time.After(s.cfg.NackBackoff):
		}
	}
}

func (s *subscription) offer(ctx context.Context, rec Record, m *message.Message) (acked bool, err error) {
	mctx, cancel := context.WithCancel(context.WithValue(ctx, recordKey{}, rec))
	defer cancel()
	m.SetContext(mctx)
	select {
	case s.out <- m:
	case <-ctx.Done():
		return false, ended(ctx)
	}
	select {
	case <-m.Acked():
		return true, nil
	case <-m.Nacked():
		return false, nil
	case <-ctx.Done():
		return false, ended(ctx)
	}
}

func (s *subscription) acknowledge(p events.Partition, next events.Offset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next[p] = next
}

// commitAlways commits every now and then what was acknowledged.
func (s *subscription) commitAlways(ctx context.Context) {
	tick := time.NewTicker(s.cfg.CommitInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		for p := range s.next {
			s.commit(ctx, p)
		}
		s.mu.Unlock()
	}
}

// commitLast commits what was acknowledged when a partition is given up. Of one
// that was lost it is another member's to commit.
func (s *subscription) commitLast(ctx context.Context, p events.Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(context.Cause(ctx), ErrLost) {
		delete(s.next, p)
		return
	}
	s.commit(context.WithoutCancel(ctx), p)
	delete(s.next, p)
}

// commit is called with the lock.
func (s *subscription) commit(ctx context.Context, p events.Partition) {
	next, ok := s.next[p]
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.RequestTimeout)
	defer cancel()
	if err := s.source.Commit(ctx, p, next); err != nil {
		// Whoever reads on begins where the last commit was.
		s.cfg.Logger.Warn("offset not committed", "group", s.cfg.Group, "error", fmt.Sprint(err))
		return
	}
	delete(s.next, p)
}
