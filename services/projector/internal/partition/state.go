package partition

import (
	"cmp"
	"slices"
	"sync"

	"github.com/roomlog/roomlog/pkg/events"
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
		out = append(out, *st)
	}
	slices.SortFunc(out, func(a, b State) int { return cmp.Compare(a.Partition, b.Partition) })
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

func (s *States) advance(p events.Partition, next events.Offset) {
	s.update(p, func(st *State) { st.Next, st.End = next, max(st.End, next) })
}

func (s *States) remove(p events.Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, p)
}

// Ends notes the log's ends, by partition.
func (s *States) Ends(ends []events.Offset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, st := range s.m {
		if int(p) < len(ends) {
			st.End = max(st.Next, ends[p])
		}
	}
}
