package query

import (
	"context"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// looksPerEvent bounds how many events are looked at for a stretch: so many for
// each that it may have.
const looksPerEvent = 5

// Stretch is what a person may read of a run of a room's events.
type Stretch struct {
	Rows []readmodel.EventRow
	// Cursor is the seq up to which the stretch has everything.
	Cursor events.Seq
	// More says that there is something behind the cursor, whether the person may
	// read it or not.
	More bool
}

// Stretch reads the first events above after, up to the room's head. What the
// person may not read moves the cursor, so that a stretch may have fewer events
// than limit, or none, and there are more all the same.
func (v Visibility) Stretch(ctx context.Context, r readmodel.Reader, key readmodel.Key, after, head events.Seq, types []events.Type, limit int) (Stretch, error) {
	return stretch(ctx, r, v, key, after, head, types, limit)
}

// reach says what of a room is for a person.
type reach interface {
	Shows(row *readmodel.EventRow) bool
	// run gives the end of the run of events from seq on that all are where something
	// is for the person, or all are where only their own membership is.
	run(seq events.Seq) (end events.Seq, inside bool)
}

func stretch(ctx context.Context, r readmodel.Reader, v reach, key readmodel.Key, after, head events.Seq, types []events.Type, limit int) (Stretch, error) {
	out := Stretch{Rows: []readmodel.EventRow{}, Cursor: after}
	for looks := looksPerEvent * limit; out.Cursor < head; {
		end, inside := v.run(out.Cursor + 1)
		wanted, any := types, true
		if !inside {
			wanted, any = outside(types)
		}
		ask := min(limit+1-len(out.Rows), looks)
		var found []readmodel.EventRow
		if any {
			var err error
			if found, err = r.Events(ctx, key, out.Cursor, wanted, ask); err != nil {
				return out, err
			}
		}
		for i := range found {
			if found[i].Seq > end {
				break
			}
			if shows := v.Shows(&found[i]); shows && len(out.Rows) == limit {
				out.More = true
				return out, nil
			} else if shows {
				out.Rows = append(out.Rows, found[i])
			}
			out.Cursor = found[i].Seq
			looks--
		}
		switch {
		case len(found) == 0 || found[len(found)-1].Seq > end || len(found) < ask:
			out.Cursor = min(end, head)
		case looks <= 0:
			out.More = out.Cursor < head
			return out, nil
		}
	}
	return out, nil
}

// outside narrows types down to those of which a person may read something outside
// of what is theirs to read; no types: all.
func outside(types []events.Type) (narrowed []events.Type, any bool) {
	own := []events.Type{events.TypeMemberChanged}
	return own, len(types) == 0 || slices.Contains(types, events.TypeMemberChanged)
}
