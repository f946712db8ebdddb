package partition

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/timeline"
)

// fetches gives what was prepared, one a call, then nothing.
type fetches struct {
	Reader
	all [][]eventlog.Record
	err error // instead of nothing
}

func fetched(records ...int) *fetches {
	f := &fetches{}
	for _, n := range records {
		f.all = append(f.all, make([]eventlog.Record, n))
	}
	return f
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

// TestGather has a log of all rates behind it, and looks how long the next batch
// takes, and how large it is.
func TestGather(t *testing.T) {
	const most = 5000
	broken := errors.New("broken")
	half := longestRest / 2
	for name, tc := range map[string]struct {
		rate    float64
		last    int           // records in the last batch
		age     time.Duration // of its newest
		rested  time.Duration // since the last rest
		fetched []int
		err     error
		want    int
		takes   time.Duration
		fails   error
	}{
		"first":            {fetched: []int{3, 4}, want: 3},
		"1,000 a second":   {rate: 1000, last: 2, fetched: []int{3, 4}, want: 3},
		"busier":           {rate: quiet + (busy-quiet)/2, last: 100, fetched: []int{30, 400}, want: 430, takes: half},
		"busy":             {rate: 20_000, last: 1900, fetched: []int{30, 1200}, want: 1230, takes: longestRest},
		"a slow fold":      {rate: 20_000, last: 1900, rested: half, fetched: []int{30, 1200}, want: 1230, takes: longestRest - half},
		"a slower one":     {rate: 20_000, last: 1900, rested: 2 * longestRest, fetched: []int{30, 1200}, want: 30},
		"busy until now":   {rate: quiet + (busy-quiet)/2, last: 100, fetched: []int{30}, want: 30, takes: half + gatherTime},
		"full":             {rate: 20_000, last: most, fetched: []int{30, 400}, want: 30},
		"behind":           {rate: 20_000, last: 100, age: time.Minute, fetched: []int{30, 400}, want: 30},
		"fills":            {rate: 20_000, last: 100, fetched: []int{most, 5}, want: most, takes: longestRest},
		"fails":            {rate: 20_000, last: 100, err: broken, fails: broken, takes: longestRest},
		"fails gathering":  {rate: 20_000, last: 100, fetched: []int{30}, err: broken, fails: broken, takes: longestRest},
		"ends, and rested": {rate: 20_000, last: 100, fails: context.DeadlineExceeded, takes: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fetched(tc.fetched...)
				f.err = tc.err
				o := &Owner{Config: Config{Now: time.Now}, reader: f, limit: most}
				o.pace = pace{short: meter{rate: tc.rate}, long: meter{rate: tc.rate}, last: tc.last, newest: time.Now().Add(-tc.age), rested: time.Now().Add(-tc.rested)}
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

// TestUnheard lets records gather while nobody listens, until someone comes.
func TestUnheard(t *testing.T) {
	const busier = quiet + (busy-quiet)/2
	for name, tc := range map[string]struct {
		rate  float64
		age   time.Duration // of the newest record
		comes time.Duration // when someone does; negative: never
		takes time.Duration
		want  int
	}{
		"nobody":              {rate: 1000, comes: -1, takes: longestRest, want: 7},
		"nobody, busy":        {rate: busy, comes: -1, takes: longestRest, want: 7},
		"nobody, idle":        {rate: 1000, age: time.Minute, comes: -1, want: 3},
		"someone":             {rate: 1000, want: 3},
		"someone, busier":     {rate: busier, takes: longestRest / 2, want: 7},
		"someone comes":       {rate: 1000, comes: longestRest / 4, takes: longestRest / 4, want: 3},
		"someone comes, busy": {rate: busier, comes: longestRest / 4, takes: longestRest / 2, want: 7},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := timeline.NewListeners()
				f := fetched(3, 4)
				o := &Owner{Config: Config{Now: time.Now, Listeners: l}, reader: f, limit: 5000}
				o.pace = pace{short: meter{rate: tc.rate}, long: meter{rate: tc.rate}, last: 2, newest: time.Now().Add(-tc.age), rested: time.Now()}
				switch {
				case tc.comes == 0:
					l.Enter()
				case tc.comes > 0:
					time.AfterFunc(tc.comes, l.Enter)
				}
				begun := time.Now()
				got, err := o.read(t.Context())
				if len(got) != tc.want || err != nil || time.Since(begun) != tc.takes {
					t.Errorf("%d records, %v, after %s; want %d after %s", len(got), err, time.Since(begun), tc.want, tc.takes)
				}
			})
		})
	}
}

// TestPace measures: two records at once, after none for long, are no busy log, and
// what was busy becomes quiet again.
func TestPace(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var p pace
	saw := func(records int, after time.Duration) {
		now = now.Add(after)
		all := make([]eventlog.Record, records)
		all[records-1].Time = now
		p.saw(all, now)
	}
	rested := func(what string, want time.Duration) {
		t.Helper()
		p.rested = now
		if got, _ := p.rest(now); got != want {
			t.Errorf("%s: it rests for %s, want %s", what, got, want)
		}
	}
	const step = time.Second/quiet + 1
	saw(1, 0)
	saw(1, time.Minute)
	saw(1, time.Microsecond)
	rested("two at once", 0)
	for range 2 * quiet {
		saw(1, step)
	}
	rested("as many as are folded at once", 0)
	saw(1, 200*time.Millisecond)
	saw(quiet/5, time.Millisecond)
	for range quiet / 8 {
		saw(1, step)
	}
	rested("what was held up comes at once", 0)
	for range 200 {
		saw(100, 10*time.Millisecond)
	}
	rested("10,000 a second", longestRest)
	saw(4000, longestRest)
	rested("10,000 a second, gathered", longestRest)
	saw(1, shortTime)
	rested("quiet again", 0)
}

// TestBatchEveryRest has folds count as a part of the rest, also where a full batch and
// what it left are folded at once.
func TestBatchEveryRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most, folds = 5000, longestRest / 4
		f := fetched(30, most-30, 200, 300, 400)
		o := &Owner{Config: Config{Now: time.Now}, reader: f, limit: most}
		o.pace = pace{short: meter{rate: busy}, long: meter{rate: busy}, last: 1, newest: time.Now(), rested: time.Now()}
		begun := time.Now()
		for _, want := range []struct {
			records int
			at      time.Duration
		}{{most, longestRest}, {200, longestRest + folds}, {700, 2 * longestRest}} {
			got, err := o.read(t.Context())
			if err != nil || len(got) != want.records || time.Since(begun) != want.at {
				t.Fatalf("%d records, %v, at %s; want %d at %s", len(got), err, time.Since(begun), want.records, want.at)
			}
			o.pace.last, o.pace.newest = len(got), time.Now()
			time.Sleep(folds)
		}
	})
}
