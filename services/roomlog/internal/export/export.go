// Package export prints a room's accepted events, ascending by seq, one JSON
// object a line: the items that replay gives.
package export

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// pageSize is how many events are read in one snapshot.
const pageSize = 1000

// ErrNoRoom says that a room does not exist, or not for who asks.
var ErrNoRoom = errors.New("there is no such room")

// Range is which events; zero values: from the first, to the last.
type Range struct {
	From, Until events.Seq
	// Time, where not zero, leaves out the events that were sent later. Times need not
	// ascend: an import may have older ones behind newer ones.
	Time time.Time
}

// To ends the range at a seq or an RFC 3339 time, whichever the text is.
func (r Range) To(text string) (Range, error) {
	if seq, err := strconv.ParseInt(text, 10, 64); err == nil {
		r.Until = events.Seq(seq)
		return r, nil
	}
	var err error
	if r.Time, err = time.Parse(time.RFC3339, text); err != nil {
		return r, fmt.Errorf("%q is neither a seq nor a time such as 2026-01-02T15:04:05Z", text)
	}
	return r, nil
}

// has tells whether an event that was sent at that time is in the range.
func (r Range) has(sent time.Time) bool { return r.Time.IsZero() || !sent.After(r.Time) }

func (r Range) complete() (Range, error) {
	if r.From == 0 {
		r.From = 1
	}
	if r.Until == 0 {
		r.Until = math.MaxInt64
	}
	if r.From < 1 || r.Until < r.From {
		return r, fmt.Errorf("no seq is from %d and until %d", r.From, r.Until)
	}
	return r, nil
}

// Store prints events from the read model, up to the room's seq at the call. A
// seq that is not the next one is an error. It returns how many were printed.
func Store(ctx context.Context, store readmodel.Store, k readmodel.Key, rng Range, out io.Writer) (int64, error) {
	rng, err := rng.complete()
	if err != nil {
		return 0, err
	}
	err = store.Snapshot(ctx, func(r readmodel.Reader) error {
		row, ok, err := r.Room(ctx, k)
		if err == nil && !ok {
			err = fmt.Errorf("%w: %s of tenant %s", ErrNoRoom, k.Room, k.Tenant)
		}
		rng.Until = min(rng.Until, row.Seq)
		return err
	})
	if err != nil {
		return 0, err
	}
	lines := newWriter(out, rng.From-1)
	for lines.last < rng.Until {
		// A snapshot for each page: events do not change, and a snapshot held for
		// long holds up the database.
		if err := page(ctx, store, k, lines, rng); err != nil {
			return lines.count, err
		}
	}
	return lines.count, lines.flush()
}

func page(ctx context.Context, store readmodel.Store, k readmodel.Key, w *writer, rng Range) error {
	return store.Snapshot(ctx, func(r readmodel.Reader) error {
		limit := int(min(pageSize, rng.Until-w.last))
		rows, err := r.Events(ctx, k, w.last, nil, limit)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fmt.Errorf("events of %s: none after seq %d, the room has %d", k.Room, w.last, rng.Until)
		}
		for i := range rows {
			if !rng.has(time.UnixMilli(rows[i].SentAt)) {
				if err := w.leaveOut(rows[i].Seq); err != nil {
					return err
				}
				continue
			}
			item, err := rows[i].Item()
			if err != nil {
				return err
			}
			line, err := json.Marshal(item)
			if err != nil {
				return err
			}
			if err := w.write(item.Seq, line); err != nil {
				return err
			}
		}
		return nil
	})
}

// writer prints lines and sees to it that the seqs are dense.
type writer struct {
	out   *bufio.Writer
	last  events.Seq
	count int64
}

func newWriter(out io.Writer, last events.Seq) *writer {
	return &writer{out: bufio.NewWriterSize(out, 64<<10), last: last}
}

func (w *writer) write(seq events.Seq, line []byte) error {
	if err := w.leaveOut(seq); err != nil {
		return err
	}
	if _, err := w.out.Write(append(line, '\n')); err != nil {
		return err
	}
	w.count++
	return nil
}

// leaveOut goes on behind an event that is not printed.
func (w *writer) leaveOut(seq events.Seq) error {
	if seq != w.last+1 {
		return fmt.Errorf("event %d follows event %d", seq, w.last)
	}
	w.last = seq
	return nil
}

func (w *writer) flush() error { return w.out.Flush() }
