// Package tail prints the records of the log as they stand there, with their
// contents: it is an operator's tool.
package tail

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/backend"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

// readLimit is how many records are read at a time.
const readLimit = 500

// Start is where to begin in each partition.
type Start struct {
	// End begins behind the last record; else Offset, or the first record that
	// there is if that is later.
	End    bool
	Offset events.Offset
}

// ParseStart reads "beginning", "end" or an offset.
func ParseStart(s string) (Start, error) {
	switch s {
	case "beginning":
		return Start{}, nil
	case "end":
		return Start{End: true}, nil
	}
	o, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return Start{}, fmt.Errorf("%q is neither beginning, end nor an offset", s)
	}
	return Start{Offset: events.Offset(o)}, nil
}

// Tail is what to print.
type Tail struct {
	Log backend.Log
	// Room, where not empty, is the only one to print, with its tenant.
	Tenant events.Tenant
	Room   events.RoomID
	Start  Start
	// Follow goes on with new records until the context ends; else the end is
	// that of the log at the call.
	Follow bool
	// Format writes one record.
	Format func(eventlog.Record) []byte
}

// Print prints records: of each partition in order, and without Follow one
// partition after the other.
func (t Tail) Print(ctx context.Context, out io.Writer) error {
	var mu sync.Mutex
	print := func(r eventlog.Record) error {
		if t.Room != "" && string(r.Key) != events.Key(t.Tenant, t.Room) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		_, err := out.Write(t.Format(r))
		return err
	}
	partitions := []events.Partition{}
	for p := range events.Partition(t.Log.Layout.Partitions) {
		if t.Room == "" || p == eventlog.PartitionOf(events.Key(t.Tenant, t.Room), t.Log.Layout.Partitions) {
			partitions = append(partitions, p)
		}
	}
	if !t.Follow {
		for _, p := range partitions {
			if err := t.partition(ctx, p, print); err != nil {
				return err
			}
		}
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range partitions {
		g.Go(func() error { return t.partition(ctx, p, print) })
	}
	return g.Wait()
}

func (t Tail) partition(ctx context.Context, p events.Partition, print func(eventlog.Record) error) error {
	r := eventlog.NewReader(t.Log.Config, t.Log.Layout, p)
	defer r.Close()
	start, end, err := r.Bounds(ctx)
	if err != nil {
		return err
	}
	from := max(start, min(t.Start.Offset, end))
	if t.Start.End {
		from = end
	}
	last := end - 1
	if !t.Follow {
		record, any, err := r.Before(ctx, end)
		if err != nil || !any || record.Offset < from {
			return err
		}
		last = record.Offset
	}
	for r.Seek(from); t.Follow || r.Next() <= last; {
		records, err := r.Read(ctx, readLimit)
		if err != nil {
			return err
		}
		for _, rec := range records {
			if !t.Follow && rec.Offset > last {
				break
			}
			if err := print(rec); err != nil {
				return err
			}
		}
	}
	return nil
}
