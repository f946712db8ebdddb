// Package report makes tables, charts and a document of what `roomlog bench` has
// written down. It measures nothing and knows no figure that does not stand there.
package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

// Summary is the records of one or more runs, to be asked.
type Summary struct {
	Runs     []Run
	measured map[key]map[int]*result.Measured // by round
	Missing  []result.Record
}

// Run is a run and when it began.
type Run struct {
	result.Run
	Began time.Time
}

type key struct{ system, measure string }

// Summarize sorts records. Of a measurement that was made twice the later one counts.
func Summarize(all []result.Record) *Summary {
	s := &Summary{measured: map[key]map[int]*result.Measured{}}
	for _, r := range all {
		switch {
		case r.Run != nil:
			s.Runs = append(s.Runs, Run{*r.Run, r.Time})
		case r.Missing != nil:
			s.Missing = append(s.Missing, r)
		case r.Measured != nil:
			k := key{r.System, r.Measure}
			if s.measured[k] == nil {
				s.measured[k] = map[int]*result.Measured{}
			}
			s.measured[k][r.Round] = r.Measured
		}
	}
	// Files of records may come in any order.
	slices.SortStableFunc(s.Runs, func(a, b Run) int {
		return cmp.Or(cmp.Compare(a.Part, b.Part), a.Began.Compare(b.Began))
	})
	return s
}

// value is one number of a measurement.
type value func(*result.Measured) float64

var (
	rate    value = func(m *result.Measured) float64 { return m.Rate }
	p50     value = func(m *result.Measured) float64 { return m.P50 }
	p99     value = func(m *result.Measured) float64 { return m.P99 }
	memory  value = func(m *result.Measured) float64 { return m.MemoryMiB }
	longest value = func(m *result.Measured) float64 { return m.Max }
	cpu     value = func(m *result.Measured) float64 { return m.CPU }
	lag     value = func(m *result.Measured) float64 { return m.Lag }

	cpuServers value = func(m *result.Measured) float64 { return m.CPUServers }
	cpuService value = func(m *result.Measured) float64 { return m.CPU - m.CPUServers }

	loadBusy value = func(m *result.Measured) float64 { return m.LoadBusy }
	loadOwn  value = func(m *result.Measured) float64 { return m.LoadOwn }
)

// Spread is the median of some rounds, and the least and the most.
type Spread struct {
	Median, Min, Max float64
	Rounds           int
}

func spread(all []float64) Spread {
	if len(all) == 0 {
		return Spread{}
	}
	slices.Sort(all)
	median := all[len(all)/2]
	if len(all)%2 == 0 {
		median = (all[len(all)/2-1] + median) / 2
	}
	return Spread{median, all[0], all[len(all)-1], len(all)}
}

// of is a number over the rounds; without rounds it was not measured.
func (s *Summary) of(system, measure string, v value) Spread {
	var all []float64
	for _, m := range s.measured[key{system, measure}] {
		all = append(all, v(m))
	}
	return spread(all)
}

// ratio is a number of one measurement to that of another, round by round: what the
// machine did besides in a round has met both.
func (s *Summary) ratio(system, measure, toSystem, toMeasure string, v value) Spread {
	var all []float64
	for round, m := range s.measured[key{system, measure}] {
		if base := s.measured[key{toSystem, toMeasure}][round]; base != nil && v(base) > 0 {
			all = append(all, v(m)/v(base))
		}
	}
	return spread(all)
}

// most is the most that a number was, of all measurements that say what grows, or of
// all others.
func (s *Summary) most(grows bool, v value) (most float64) {
	for k, rounds := range s.measured {
		if result.Grows(k.measure) != grows {
			continue
		}
		for _, m := range rounds {
			most = max(most, v(m))
		}
	}
	return most
}

// any reports whether something is so of a measurement in any round.
func (s *Summary) any(system, measure string, is func(*result.Measured) bool) bool {
	for _, m := range s.measured[key{system, measure}] {
		if is(m) {
			return true
		}
	}
	return false
}
