package partition

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
)

// fetches gives what was prepared, one a call, then nothing.
type fetches struct {
	Reader
	all [][]eventlog.Record
	err error // instead of nothing
}

func (f *fetches) Read(ctx context.Context, _ int) ([]eventlog.Record, error) {
	if len(f.all) > 0 {
		next := f.all[0]
		f.all = f.all[1:]
		return next, nil
	}
	if f.err != nil {
		return nil, f.err
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestGather has batches of all sizes behind it, and looks how long the next one
// takes, and how large it is.
func TestGather(t *testing.T) {
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		last    int           // records in the last batch
		age     time.Duration // of its newest
		fetched []int
		err     error
		want    int
		takes   time.Duration
		fails   error
	}{
		"first":            {fetched: []int{3, 4}, want: 3},
		"quiet":            {last: 1, fetched: []int{3, 4}, want: 3, takes: 100 * time.Microsecond},
		"1,000 a second":   {last: 2, fetched: []int{3, 4}, want: 3, takes: 200 * time.Microsecond},
		"busy":             {last: 100, fetched: []int{30, 400}, want: 430, takes: 10 * time.Millisecond},
		"busier":           {last: 1900, fetched: []int{30, 1200}, want: 1230, takes: longestRest},
		"busy until now":   {last: 100, fetched: []int{30}, want: 30, takes: 10*time.Millisecond + gatherTime},
		"full":             {last: 2000, fetched: []int{30, 400}, want: 30},
		"behind":           {last: 100, age: time.Minute, fetched: []int{30, 400}, want: 30},
		"fills":            {last: 100, fetched: []int{2000, 5}, want: 2000, takes: 10 * time.Millisecond},
		"fails":            {last: 100, err: broken, fails: broken, takes: 10 * time.Millisecond},
		"fails gathering":  {last: 100, fetched: []int{30}, err: broken, fails: broken, takes: 10 * time.Millisecond},
		"ends, and rested": {last: 100, fails: context.DeadlineExceeded, takes: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fetches{err: tc.err}
				for _, n := range tc.fetched {
					f.all = append(f.all, make([]eventlog.Record, n))
				}
				o := &Owner{Config: Config{Now: time.Now}, reader: f, limit: 2000, pace: pace{tc.last, time.Now().Add(-tc.age)}}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				begun := time.Now()
				got, err := o.read(ctx)
				if len(got) != tc.want || !errors.Is(err, tc.fails) || time.Since(begun) != tc.takes {
					t.Errorf("%d records, %v, after %s; want %d, %v, %s", len(got), err, time.Since(begun), tc.want, tc.fails, tc.takes)
				}
			})
		})
	}
}
