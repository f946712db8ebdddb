package bench

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
)

// tenant is the one of all rooms here: tokens name none.
const tenant = "main"

// readLimit is how many events or records are read at a time.
const readLimit = 5000

// projection looks at a running roomlog from outside: how far its tables are behind
// its log, and what is in both. It is not safe for concurrent use.
type projection struct {
	site   *site.Site
	client *eventlog.Client
	store  readmodel.Store
	past   []ends // ascending; what is older than the lag is dropped
	there  *standing
}

// standing is what there is before anybody is measured: nobody looks for it.
type standing struct {
	rooms int
	ends  []events.Offset // of the log's partitions; none: all is looked at
	seq   events.Seq      // that all rooms have
}

// ends are where the partitions of the log ended at some time.
type ends struct {
	at    time.Time
	parts []events.Offset
}

func openProjection(ctx context.Context, f site.Flags, there *standing) (*projection, error) {
	s, err := site.Open(ctx, f, site.Options{Client: "roomlog-bench"})
	if err != nil {
		return nil, err
	}
	p := &projection{site: s, there: there}
	p.store, err = s.OpenStore(ctx)
	if err == nil {
		p.client, err = eventlog.NewClient(s.Log.Config)
	}
	if err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	return p, nil
}

func (p *projection) close(ctx context.Context) error {
	if p.client != nil {
		p.client.Close()
	}
	var err error
	if p.store != nil {
		err = p.store.Close()
	}
	return errors.Join(err, p.site.Close(context.WithoutCancel(ctx)))
}

func (p *projection) settle(ctx context.Context) error {
	return p.site.Fold(ctx, p.store, func(int64, int64) {})
}

// lag compares the checkpoints with where the log ended at earlier calls: what it had
// at the last of them that the tables have passed is folded, so the oldest event that is
// not is younger than that.
func (p *projection) lag(ctx context.Context) (float64, error) {
	now := ends{at: time.Now()}
	var err error
	if now.parts, err = p.client.Ends(ctx, p.site.Log.Layout); err != nil {
		return 0, err
	}
	var next map[events.Partition]events.Offset
	if next, err = p.checkpoints(ctx); err != nil {
		return 0, err
	}
	p.past = append(p.past, now)
	for len(p.past) > 1 && passed(p.past[1], next) {
		p.past = p.past[1:]
	}
	if passed(now, next) {
		return 0, nil
	}
	return now.at.Sub(p.past[0].at).Seconds(), nil
}

func passed(e ends, next map[events.Partition]events.Offset) bool {
	for i, end := range e.parts {
		if next[events.Partition(i)] < end {
			return false
		}
	}
	return true
}

func (p *projection) checkpoints(ctx context.Context) (map[events.Partition]events.Offset, error) {
	next := map[events.Partition]events.Offset{}
	err := p.store.Snapshot(ctx, func(r readmodel.Reader) error {
		all, err := r.Checkpoints(ctx)
		for _, cp := range all {
			next[cp.Partition] = cp.Next
		}
		return err
	})
	return next, err
}

// missing looks for what was acknowledged in the log and in the tables, each by itself.
func (p *projection) missing(ctx context.Context, acked *load.Acked) (result.Missing, error) {
	if err := p.settle(ctx); err != nil {
		return result.Missing{}, err
	}
	inLog, inTables := newSearch(acked), newSearch(acked)
	for i := range p.site.Log.Layout.Partitions {
		if err := p.readPartition(ctx, events.Partition(i), inLog); err != nil {
			return result.Missing{}, err
		}
	}
	for r := range p.there.rooms {
		if err := p.readRoom(ctx, events.RoomID(strconv.Itoa(r)), inTables); err != nil {
			return result.Missing{}, err
		}
	}
	return result.Missing{Acknowledged: acked.Len(), Log: inLog.missing(), Tables: inTables.missing()}, nil
}

func (p *projection) readPartition(ctx context.Context, n events.Partition, look search) error {
	r := eventlog.NewReader(p.site.Log.Config, p.site.Log.Layout, n)
	defer r.Close()
	start, end, err := r.Bounds(ctx)
	if err != nil {
		return err
	}
	last, any, err := r.Before(ctx, end)
	if err != nil || !any {
		return err
	}
	if p.there.ends != nil {
		start = p.there.ends[n]
	}
	for r.Seek(start); r.Next() <= last.Offset; {
		records, err := r.Read(ctx, readLimit)
		if err != nil {
			return err
		}
		for _, rec := range records {
			for _, h := range rec.Headers {
				if h.Key == events.HeaderID {
					look.found(string(h.Value))
				}
			}
		}
	}
	return nil
}

func (p *projection) readRoom(ctx context.Context, room events.RoomID, look search) error {
	k := readmodel.Key{Tenant: tenant, Room: room}
	for after, more := p.there.seq, true; more; {
		err := p.store.Snapshot(ctx, func(r readmodel.Reader) error {
			rows, err := r.Events(ctx, k, after, nil, readLimit)
			if more = len(rows) == readLimit; len(rows) > 0 {
				after = rows[len(rows)-1].Seq
			}
			for i := range rows {
				look.found(string(rows[i].ID))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
