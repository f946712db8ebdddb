package eventlog

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/roomlog/roomlog/pkg/events"
)

const lookupBatch = 1000 // records looked at a time

// At gives the record at exactly that offset, and whether there is one. It does
// not move the reader. Errors: [ErrOffsetOutOfRange] if the offset is below the
// log's start or not below its end, else as Read.
func (r *Reader) At(ctx context.Context, o events.Offset) (Record, bool, error) {
	start, end, err := r.Bounds(ctx)
	if err != nil {
		return Record{}, false, err
	}
	if o < start || o >= end {
		return Record{}, false, r.fail("look up", ErrOffsetOutOfRange)
	}
	rec, ok, err := r.last(ctx, o, o+1)
	return rec, ok, err
}

// Before gives the last record below an offset, and whether there is one: offsets
// may have holes. It does not move the reader. Errors: [ErrOffsetOutOfRange] if
// the offset is below the log's start or above its end, else as Read.
func (r *Reader) Before(ctx context.Context, o events.Offset) (Record, bool, error) {
	start, end, err := r.Bounds(ctx)
	if err != nil {
		return Record{}, false, err
	}
	if o < start || o > end {
		return Record{}, false, r.fail("look up", ErrOffsetOutOfRange)
	}
	for step := events.Offset(1); ; step *= 16 {
		from := max(start, o-step)
		if from == o {
			return Record{}, false, nil
		}
		rec, ok, err := r.last(ctx, from, o)
		if err != nil || ok || from == start {
			return rec, ok, err
		}
	}
}

// last gives the last record in [from, to), which must be below the log's end.
// Control records are asked for as well: they fill the holes that transactions
// leave, so that there is always something to say that to has been reached.
func (r *Reader) last(ctx context.Context, from, to events.Offset) (rec Record, found bool, err error) {
	for {
		rec, found, err = r.scan(ctx, from, to)
		switch {
		case errors.Is(err, errReopen):
			continue
		case err != nil:
			return Record{}, false, r.fail("look up", err)
		}
		return rec, found, nil
	}
}

func (r *Reader) scan(ctx context.Context, from, to events.Offset) (rec Record, found bool, err error) {
	cl, err := r.open(ctx, from, kgo.KeepControlRecords())
	if err != nil {
		return Record{}, false, err
	}
	defer cl.CloseAllowingRebalance()
	for {
		records, err := r.poll(ctx, cl, lookupBatch)
		if err != nil {
			return Record{}, false, err
		}
		for _, k := range records {
			if events.Offset(k.Offset) < to && !k.Attrs.IsControl() {
				rec, found = recordOf(k), true
			}
			if events.Offset(k.Offset) >= to-1 {
				return rec, found, nil
			}
		}
	}
}
