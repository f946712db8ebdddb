package partition_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
)

// memoryLog is one partition in memory. Its readers give batches of random size.
type memoryLog struct {
	mu      sync.Mutex
	records []eventlog.Record
	grown   chan struct{} // closed and replaced when records are appended
	start   events.Offset

	partition events.Partition
	away      func() bool // whether the broker is; nil: it is there
}

func newLog(messages ...roomtest.Record) *memoryLog {
	l := &memoryLog{grown: make(chan struct{})}
	for _, m := range messages {
		l.append(m)
	}
	return l
}

func (l *memoryLog) append(m roomtest.Record) events.Offset {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Offsets have holes: every third is missing.
	next := events.Offset(len(l.records)) * 3 / 2
	l.records = append(l.records, eventlog.Record{Partition: l.partition, Offset: next, Time: m.LogTime, Message: m.Message})
	close(l.grown)
	l.grown = make(chan struct{})
	return next
}

func (l *memoryLog) end() events.Offset {
	if len(l.records) == 0 {
		return 0
	}
	return l.records[len(l.records)-1].Offset + 1
}

type memoryReader struct {
	*memoryLog
	next events.Offset
	rng  *rand.Rand
}

func (r *memoryReader) Partition() events.Partition { return r.partition }
func (r *memoryReader) Seek(o events.Offset)        { r.next = o }

func (r *memoryReader) Read(ctx context.Context, limit int) ([]eventlog.Record, error) {
	for {
		if r.isAway() {
			return nil, errAway
		}
		r.mu.Lock()
		i, _ := slices.BinarySearchFunc(r.records, r.next, func(e eventlog.Record, o events.Offset) int { return int(e.Offset - o) })
		rest, grown := r.records[i:], r.grown
		r.mu.Unlock()
		if len(rest) > 0 {
			if n := 1 + r.rng.IntN(limit); n < len(rest) {
				rest = rest[:n]
			}
			r.next = rest[len(rest)-1].Offset + 1
			return rest, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *memoryLog) isAway() bool { return l.away != nil && l.away() }

func (r *memoryReader) Bounds(context.Context) (start, end events.Offset, err error) {
	if r.isAway() {
		return 0, 0, errAway
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.start, r.memoryLog.end(), nil
}

func (r *memoryReader) At(_ context.Context, o events.Offset) (eventlog.Record, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range r.records {
		if rec.Offset == o && o >= r.start {
			return rec, true, nil
		}
	}
	return eventlog.Record{}, false, nil
}

func (r *memoryReader) Before(_ context.Context, o events.Offset) (rec eventlog.Record, found bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.records {
		if e.Offset < o && e.Offset >= r.start {
			rec, found = e, true
		}
	}
	return rec, found, nil
}

// history gives the records as they were appended.
func (l *memoryLog) history() []roomtest.Record {
	out := make([]roomtest.Record, len(l.records))
	for i, r := range l.records {
		out[i] = roomtest.Record{Message: r.Message, LogTime: r.Time}
	}
	return out
}
