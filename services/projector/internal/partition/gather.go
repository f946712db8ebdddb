package partition

import (
	"context"
	"slices"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
)

const (
	// restPerRecord and longestRest make batches large where the log is busy: what a
	// transaction costs is mostly the same for one record as for a thousand. Of a
	// thousand records a second, and fewer, each is folded at once; from ten thousand
	// on there is a batch every longestRest.
	restPerRecord = 100 * time.Microsecond
	longestRest   = 100 * time.Millisecond
	// behind is how old the newest folded record is where there is no time to rest.
	behind = time.Second
	// gatherFrom is the rest after which it is worth to wait for gatherTime: a reader
	// has fetched a little before it, and the broker has much more by now.
	gatherFrom = 5 * time.Millisecond
	gatherTime = 5 * time.Millisecond
)

// pace is how fast the log was when it was last looked at.
type pace struct {
	records int // in the last batch
	newest  time.Time
}

func paceOf(records []eventlog.Record) pace {
	return pace{len(records), records[len(records)-1].Time}
}

// rest is how long records have to gather. A full batch says that there are more
// already.
func (p pace) rest(limit int, now time.Time) time.Duration {
	if p.records >= limit || now.Sub(p.newest) > behind {
		return 0
	}
	return min(time.Duration(p.records)*restPerRecord, longestRest)
}

// read gives the next records, once they have gathered.
func (o *Owner) read(ctx context.Context) ([]eventlog.Record, error) {
	rest := o.pace.rest(o.limit, o.Now())
	if rest > 0 {
		sleep(ctx, rest)
	}
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
