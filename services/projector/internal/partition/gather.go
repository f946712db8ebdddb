package partition

import (
	"context"
	"slices"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
)

const (
	// Up to quiet records a second each is folded at once. From busy on there is a batch
	// every longestRest, which has the fold of the one before in it: what a transaction
	// costs is mostly the same for one record of a room as for a hundred. In between the
	// rest grows with the rate. Where nobody listens it is as long at any rate; whoever
	// comes ends that.
	quiet       = 1500
	busy        = 7500
	longestRest = 400 * time.Millisecond
	// The rate is the lesser of two, over as long: what was held up for a moment and
	// comes at once is no busy log, and a log that was busy need not be.
	shortTime, longTime = 100 * time.Millisecond, time.Second
	// behind is how old the newest folded record is where there is no time to rest.
	behind = time.Second
	// gatherFrom is the rest after which it is worth to wait, gatherTime at most: a
	// reader has fetched a little before it, and the broker has much more by now. To take
	// hundreds of batches apart takes a while; a fold that does not wait goes on beside that.
	gatherFrom = 5 * time.Millisecond
	gatherTime = 20 * time.Millisecond
)

// pace is how fast the log is.
type pace struct {
	short, long meter
	last        int // records in the last batch
	newest      time.Time
	rested      time.Time // when the last rest ended
}

// meter measures a rate.
type meter struct {
	since   time.Time // of records
	records int
	rate    float64 // a second, when its time was last over
}

// saw notes a batch.
func (p *pace) saw(records []eventlog.Record, now time.Time) {
	p.last, p.newest = len(records), records[len(records)-1].Time
	p.short.add(len(records), now, shortTime)
	p.long.add(len(records), now, longTime)
}

func (m *meter) add(records int, now time.Time, over time.Duration) {
	m.records += records
	switch took := now.Sub(m.since); {
	case m.since.IsZero():
		m.since, m.records = now, 0
	case took >= over:
		m.rate = float64(m.records) / took.Seconds()
		m.since, m.records = now, 0
	}
}

// late says that there is no time to rest. A full batch says that there are more already.
func (p *pace) late(limit int, now time.Time) bool {
	return p.last >= limit || now.Sub(p.newest) > behind
}

// rest is how long records have to gather still for their rate, and how long where nobody
// listens. They have gathered since the last rest.
func (p *pace) rest(now time.Time) (least, most time.Duration) {
	share := (min(p.short.rate, p.long.rate) - quiet) / (busy - quiet)
	least = time.Duration(min(max(share, 0), 1) * float64(longestRest))
	gathered := now.Sub(p.rested)
	return max(0, least-gathered), max(0, longestRest-gathered)
}

// read gives the next records, once they have gathered.
func (o *Owner) read(ctx context.Context) ([]eventlog.Record, error) {
	rest := o.rest(ctx)
	records, err := o.reader.Read(ctx, o.limit)
	if err != nil || rest < gatherFrom || len(records) >= o.limit {
		return records, err
	}
	bounded, cancel := context.WithTimeout(ctx, gatherTime)
	defer cancel()
	more, err := o.reader.Read(bounded, o.limit-len(records))
	if err != nil && bounded.Err() == nil {
		return nil, err
	}
	return slices.Concat(records, more), nil
}

// rest lets records gather, and says for how long.
func (o *Owner) rest(ctx context.Context) time.Duration {
	now := o.Now()
	if o.pace.late(o.limit, now) {
		return 0
	}
	defer func() { o.pace.rested = o.Now() }()
	least, most := o.pace.rest(now)
	if least > 0 {
		sleep(ctx, least)
	}
	t := time.NewTimer(most - least)
	defer t.Stop()
	select {
	case <-o.Listeners.Some(): // they have what comes at once, as far as there is not too much of it
		return least
	case <-t.C:
		return most
	case <-ctx.Done():
		return 0
	}
}
