package load

import (
	"slices"
	"sync"
	"time"
)

// Window is the time in which is measured, after a warm-up. Both are load alike.
type Window struct {
	Warm, Time time.Duration
	// Watch is called when it begins, and what it returns when it ends.
	Watch func() (end func())
}

// Result is what was seen in the window.
type Result struct {
	Took time.Duration
	// Latencies of what was answered (or delivered), ascending.
	Latencies []time.Duration
	Errors    int
	Err       error // the first, also of the warm-up

	// Of pages: how many messages there were in each.
	Items float64

	// Of delivery: how many were to arrive, and how late each was sent.
	Sent int
	Late []time.Duration
}

// Rate is how many a second.
func (r Result) Rate() float64 { return float64(len(r.Latencies)) / r.Took.Seconds() }

// Percentile is the least of ascending values that so many percent of them do not
// exceed; zero where there is none.
func Percentile(ascending []time.Duration, percent float64) time.Duration {
	if len(ascending) == 0 {
		return 0
	}
	i := int(float64(len(ascending)) * percent / 100)
	return ascending[min(i, len(ascending)-1)]
}

// failures keeps the first of some errors.
type failures struct {
	mu    sync.Mutex
	n     int
	first error
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n++; f.first == nil {
		f.first = err
	}
}

func sorted(all ...[]time.Duration) []time.Duration {
	one := slices.Concat(all...)
	slices.Sort(one)
	return one
}
