package roomtest

import (
	"maps"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

// Folded is what the fold makes of a history.
type Folded struct {
	// Verdicts has one for each record. A record that is no event has the zero
	// Verdict; one that waits behind a parked event of its room is parked
	// without a code.
	Verdicts []room.Verdict
	// Rooms is the state of every room that an event named, in the end. A room that does
	// not exist has a nil Header.
	Rooms map[Key]*room.View
	// Blocked has the rooms with a parked event, and its place in the history.
	Blocked map[Key]int
}

// Fold judges a history with the complete state in memory.
func Fold(records []Record) Folded {
	out := Folded{
		Verdicts: make([]room.Verdict, len(records)),
		Rooms:    map[Key]*room.View{},
		Blocked:  map[Key]int{},
	}
	for i, r := range records {
		e, err := events.Decode(r.Message)
		if err != nil {
			continue
		}
		out.Verdicts[i] = out.apply(i, &e, r)
	}
	return out
}

func (f *Folded) apply(i int, e *events.Event, r Record) room.Verdict {
	k := Key{e.Tenant, e.Room}
	if _, blocked := f.Blocked[k]; blocked {
		return room.Verdict{Status: room.Parked}
	}
	view, ok := f.Rooms[k]
	if !ok {
		view = room.NewView()
		f.Rooms[k] = view
	}
	changes, verdict := room.Apply(view, e, r.LogTime)
	if verdict.Status == room.Parked {
		f.Blocked[k] = i
		return verdict
	}
	view.Advance(e, changes, verdict)
	return verdict
}

// Restrict gives the part of a view that needs names: what a projector reads
// before it folds.
func Restrict(v *room.View, needs room.Needs) *room.View {
	out := room.NewView()
	if v.Header != nil {
		h := *v.Header
		out.Header = &h
	}
	for _, u := range needs.Members {
		if m, ok := v.Members[u]; ok {
			out.Members[u] = m
		}
	}
	for _, id := range needs.Priors {
		if p, ok := v.Priors[id]; ok {
			out.Priors[id] = p
		}
		if s, ok := v.States[id]; ok {
			out.States[id] = s
		}
	}
	for _, id := range needs.Reactions {
		if r, ok := v.Reactions[id]; ok {
			out.Reactions[id] = r
		}
	}
	return out
}

// Clone copies a view.
func Clone(v *room.View) *room.View {
	out := &room.View{
		Members: maps.Clone(v.Members), Priors: maps.Clone(v.Priors),
		States: maps.Clone(v.States), Reactions: maps.Clone(v.Reactions),
	}
	if v.Header != nil {
		h := *v.Header
		out.Header = &h
	}
	return out
}
