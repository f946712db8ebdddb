// Package chattest runs the chat API in a test: on a log in memory, a read model
// in SQLite or PostgreSQL ([StoreVariable]), and a projector that can be held up.
package chattest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

// Partitions of the log.
const Partitions = 4

// Record is an event in the log.
type Record struct {
	events.Message
	Partition events.Partition
	Offset    events.Offset
	Time      time.Time
}

// Log is a log in memory.
type Log struct {
	layout eventlog.Layout
	now    func() time.Time

	mu        sync.Mutex
	records   [Partitions][]Record
	appended  chan struct{}
	fault     func(context.Context, events.Message, func()) error
	endsErr   error
	ahead     time.Duration
	published int
}

// NewLog makes an empty log.
func NewLog() *Log {
	return &Log{
		layout:   eventlog.Layout{Topic: "roomlog.events.1", Log: events.LogID{1, 2, 3}, Epoch: 1, Partitions: Partitions},
		now:      time.Now,
		appended: make(chan struct{}, 1),
	}
}

// Layout is the log's.
func (l *Log) Layout() eventlog.Layout { return l.layout }

// SetFault has f called in the place of an append; it may call appendIt itself.
// Nil: appends work.
func (l *Log) SetFault(f func(ctx context.Context, m events.Message, appendIt func()) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = f
}

// SetEndsError makes Ends fail.
func (l *Log) SetEndsError(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endsErr = err
}

// SetAhead puts the log's clock ahead.
func (l *Log) SetAhead(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ahead = d
}

// PublishWithin appends an event.
func (l *Log) PublishWithin(d time.Duration, m events.Message) (events.Position, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	l.mu.Lock()
	fault, now := l.fault, l.now().Add(l.ahead)
	l.published++
	l.mu.Unlock()
	if fault != nil {
		if err := fault(ctx, m, func() { l.Append(m, now) }); err != nil {
			return events.Position{}, err
		}
	}
	return l.Append(m, now), nil
}

// Append appends a copy of a record as the log would at that time.
func (l *Log) Append(m events.Message, at time.Time) events.Position {
	p := eventlog.PartitionOf(m.Key, Partitions)
	l.mu.Lock()
	defer l.mu.Unlock()
	o := events.Offset(len(l.records[p]))
	m.Key, m.Value, m.Headers = slices.Clone(m.Key), slices.Clone(m.Value), slices.Clone(m.Headers)
	for i := range m.Headers {
		m.Headers[i].Value = slices.Clone(m.Headers[i].Value)
	}
	l.records[p] = append(l.records[p], Record{Message: m, Partition: p, Offset: o, Time: at})
	l.wake()
	return l.layout.Position(p, o)
}

// wake has the projector look at the log.
func (l *Log) wake() {
	select {
	case l.appended <- struct{}{}:
	default:
	}
}

// Ends gives the end of each partition.
func (l *Log) Ends(context.Context) ([]events.Offset, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.endsErr != nil {
		return nil, l.endsErr
	}
	out := make([]events.Offset, Partitions)
	for p := range out {
		out[p] = events.Offset(len(l.records[p]))
	}
	return out, nil
}

// Published is how often Publish was called.
func (l *Log) Published() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.published
}

// Len is the number of all records.
func (l *Log) Len() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.records {
		n += len(p)
	}
	return n
}

// Records are those of a partition.
func (l *Log) Records(p events.Partition) []Record { return l.from(p, 0) }

func (l *Log) from(p events.Partition, o events.Offset) []Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records[p][o:]
}

// Ping fails where Ends does.
func (l *Log) Ping(ctx context.Context) error {
	_, err := l.Ends(ctx)
	return err
}
