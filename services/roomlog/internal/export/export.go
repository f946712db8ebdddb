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
}

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
		if err := page(ctx, store, k, lines, rng.Until); err != nil {
			return lines.count, err
		}
	}
	return lines.count, lines.flush()
}

func page(ctx context.Context, store readmodel.Store, k readmodel.Key, w *writer, until events.Seq) error {
	return store.Snapshot(ctx, func(r readmodel.Reader) error {
		limit := int(min(pageSize, until-w.last))
		rows, err := r.Events(ctx, k, w.last, nil, limit)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fmt.Errorf("events of %s: none after seq %d, the room has %d", k.Room, w.last, until)
		}
		for i := range rows {
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
	if seq != w.last+1 {
		return fmt.Errorf("event %d follows event %d", seq, w.last)
	}
	if _, err := w.out.Write(append(line, '\n')); err != nil {
		return err
	}
	w.last = seq
	w.count++
	return nil
}

func (w *writer) flush() error { return w.out.Flush() }
