package partition

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Phase is what the owner of a partition is doing.
type Phase string

// Phases of an assigned partition.
const (
	Claiming Phase = "claiming"
	Folding  Phase = "folding"
	// Paused partitions wait for the database or the log and try again by themselves.
	Paused Phase = "paused"
	// Stopped partitions wait for an operator.
	Stopped Phase = "stopped"
)

// State is the state of an assigned partition.
type State struct {
	Partition events.Partition `json:"partition"`
	Phase     Phase            `json:"phase"`
	Reason    string           `json:"reason,omitempty"`
	// Next is the first offset not folded; End the log's end when last seen.
	Next events.Offset `json:"next"`
	End  events.Offset `json:"end"`
	Pace
	// Aside is what was set aside when the tables were last asked.
	Aside readmodel.Counts `json:"set_aside"`

	folded time.Time // the log's time of the record folded last
	atEnd  time.Time // when it was last seen to be at the log's end
	seen   time.Time // when End was asked for last
	before events.Offset
}

// Pace is how fast records are folded, and how far behind that is.
type Pace struct {
	Lag int64 `json:"lag"` // records not folded yet
	// LagSeconds is about the age of the first record that is not folded yet.
	LagSeconds float64 `json:"lag_seconds"`
	Rate       float64 `json:"rate"` // records a second
	// ETA is in how many seconds there will be no lag, at the rate at which it
	// shrinks now; nil where it does not.
	ETA *float64 `json:"eta_seconds"`
}

// Since completes the pace with an earlier one: so many records were folded in
// the time between.
func (p *Pace) Since(earlier Pace, folded int64, took time.Duration) {
	p.Rate, p.ETA = 0, nil
	if p.Lag == 0 {
		p.ETA = new(float64)
	}
	if took <= 0 {
		return
	}
	p.Rate = float64(max(folded, 0)) / took.Seconds()
	if shrunk := earlier.Lag - p.Lag; p.Lag > 0 && shrunk > 0 {
		eta := float64(p.Lag) / float64(shrunk) * took.Seconds()
		p.ETA = &eta
	}
}

// States are the states of the partitions assigned to this process.
type States struct {
	mu sync.Mutex
	m  map[events.Partition]*State
}

// NewStates has no partitions.
func NewStates() *States { return &States{m: map[events.Partition]*State{}} }

// All lists the states, ascending by partition.
func (s *States) All() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]State, 0, len(s.m))
	for _, st := range s.m {
		out = append(out, st.at(time.Now()))
	}
	slices.SortFunc(out, func(a, b State) int { return cmp.Compare(a.Partition, b.Partition) })
	return out
}

// at is the state with the lag of that moment.
func (st *State) at(now time.Time) State {
	out := *st
	out.Lag, out.LagSeconds = int64(st.End-st.Next), 0
	// What is not folded is younger than what is, and than the last moment at which
	// all was.
	since := st.folded
	if st.atEnd.After(since) {
		since = st.atEnd
	}
	switch {
	case out.Lag == 0:
		out.ETA = new(float64)
	case !since.IsZero():
		out.LagSeconds = max(0, now.Sub(since).Seconds())
	}
	return out
}

func (s *States) update(p events.Partition, f func(*State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.m[p]
	if st == nil {
		st = &State{Partition: p}
		s.m[p] = st
	}
	f(st)
}

// Set notes what the owner of p is doing, and why.
func (s *States) Set(p events.Partition, phase Phase, reason string) {
	s.update(p, func(st *State) { st.Phase, st.Reason = phase, reason })
}

// Phase is what the owner of p is doing, or empty where it is not assigned.
func (s *States) Phase(p events.Partition) Phase {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, ok := s.m[p]; ok {
		return st.Phase
	}
	return ""
}

// advance notes the checkpoint, and the log's time of the record before it where
// that is known.
func (s *States) advance(p events.Partition, next events.Offset, folded time.Time) {
	s.update(p, func(st *State) {
		st.Next, st.End = next, max(st.End, next)
		if !folded.IsZero() {
			st.folded = folded
		}
	})
}

func (s *States) remove(p events.Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, p)
}

// Ends notes the log's ends, by partition, as they are now.
func (s *States) Ends(ends []events.Offset) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, st := range s.m {
		if int(p) >= len(ends) {
			continue
		}
		st.End = max(st.Next, ends[p])
		was := st.Pace
		if st.Lag = int64(st.End - st.Next); st.Lag == 0 {
			st.atEnd = now
		}
		if !st.seen.IsZero() {
			st.Since(was, int64(st.Next-st.before), now.Sub(st.seen))
		}
		st.seen, st.before = now, st.Next
	}
}

// SetAside notes what the tables say was set aside, by partition.
func (s *States) SetAside(counts map[events.Partition]readmodel.Counts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, st := range s.m {
		st.Aside = counts[p]
	}
}
