package sqlite

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// maxRooms is how many rooms' ends the writer keeps. Others cost a lookup a batch.
const maxRooms = 10_000

var (
	insertRooms  = numbered(updateOrInsert(tables.Rooms, "tenant", "room"))
	insertEvents = insertInto(placedEvents())
)

// numbered gives a room that is new the next number, which it has for ever.
func numbered(w write[room.Header]) write[room.Header] {
	w.sql = tables.Rooms.Into("number") + " VALUES (" + marks(len(w.columns)) + ", (SELECT COALESCE(MAX(number), 0) + 1 FROM rooms))"
	return w
}

// placed is an event and where its row goes.
type placed struct {
	*readmodel.EventRow
	place, entry int64
	room         *roomEnd
}

// placedEvents has the place for what that is made of, and how the id is found.
func placedEvents() tables.Insert[placed] {
	in := tables.Insert[placed]{
		Table: tables.Events.Table,
		Columns: []tables.Column[placed]{
			{Name: "place", Int: func(p *placed) int64 { return p.place }},
			{Name: "entry", Int: func(p *placed) int64 { return p.entry }},
		},
	}
	for _, c := range tables.Events.Columns {
		if slices.Contains([]string{"tenant", "room", "seq"}, c.Name) {
			continue
		}
		column := tables.Column[placed]{Name: c.Name}
		if c.Text != nil {
			column.Text = func(p *placed) string { return c.Text(p.EventRow) }
		} else {
			column.Int = func(p *placed) int64 { return c.Int(p.EventRow) }
		}
		in.Columns = append(in.Columns, column)
	}
	return in
}

// writeEvents writes them in the order of their places: those of a room, one after the
// other, are about the same pages. Their rooms are written.
func (t *tx) writeEvents(rows []readmodel.EventRow) error {
	order := make([]placed, len(rows))
	for i := range rows {
		e := &rows[i]
		r, err := t.roomEnd(e.Key)
		if err != nil {
			return err
		}
		place, err := tables.Place(r.number, e.Seq)
		if err != nil {
			return fmt.Errorf("event %s in room %s/%s: %w", e.ID, e.Tenant, e.Room, err)
		}
		order[i] = placed{EventRow: e, place: place, room: r}
	}
	slices.SortFunc(order, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
	var late []*readmodel.EventRow
	for i := range order {
		p := &order[i]
		if p.entry = p.room.entry(p.place, p.ID); p.entry == tables.EntryOwn && !p.ID.Keyed() {
			late = append(late, p.EventRow)
		}
	}
	if err := writeRows(t, insertEvents, len(order), at(order)); err != nil {
		return err
	}
	return t.refuseTaken(late)
}

// refuseTaken looks for events that are late among those in order, whose ids no index has
// all of. For others there are indexes.
func (t *tx) refuseTaken(late []*readmodel.EventRow) error {
	for _, e := range late {
		err := t.read("taken ids", tables.InOrder, []any{string(e.Tenant), string(e.Room), string(e.ID)}, func(tables.Row) error {
			return fmt.Errorf("%w: the room has an event %s", readmodel.ErrRowRefused, e.ID)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// roomEnd is what the writer has of a room: its number, and where the ids in order
// have come to.
type roomEnd struct {
	number  int64
	highest events.EventID
	stretch int64 // of places, that of the highest
}

// entry says how an event is found by its id, which is the room's next.
func (r *roomEnd) entry(place int64, id events.EventID) int64 {
	if id.Keyed() || id <= r.highest {
		return tables.EntryOwn
	}
	r.highest = id
	if stretch := place >> tables.StretchBits; stretch != r.stretch {
		r.stretch = stretch
		return tables.EntryStretch
	}
	return tables.EntryNone
}

// roomEnds are those of rooms that the writer knows, and those that a transaction has found
// out or changed: where it does not commit, they are not so. A claim makes them unknown:
// somebody else may have written the rooms meanwhile.
type roomEnds struct{ known, changed map[readmodel.Key]*roomEnd }

func (e *roomEnds) keep() {
	if len(e.known)+len(e.changed) > maxRooms {
		clear(e.known)
	}
	maps.Copy(e.known, e.changed)
}

// forget is for where it is not known whether they are so.
func (e *roomEnds) forget() {
	for k := range e.changed {
		delete(e.known, k)
	}
}

// roomEnd is that of a room that is written.
func (t *tx) roomEnd(k readmodel.Key) (*roomEnd, error) {
	if r, ok := t.rooms.changed[k]; ok {
		return r, nil
	}
	if t.rooms.changed == nil {
		t.rooms.changed = map[readmodel.Key]*roomEnd{}
	}
	r := new(roomEnd)
	if known, ok := t.rooms.known[k]; ok {
		*r = *known
	} else if err := t.read("room end", tables.RoomEnd, []any{string(k.Tenant), string(k.Room)}, func(row tables.Row) error {
		var place int64
		err := row.Scan(&r.number, (*string)(&r.highest), &place)
		r.stretch = place >> tables.StretchBits
		return err
	}); err != nil {
		return nil, err
	}
	if r.number == 0 {
		return nil, fmt.Errorf("%w: an event in room %s/%s, which is not there", readmodel.ErrRowRefused, k.Tenant, k.Room)
	}
	t.rooms.changed[k] = r
	return r, nil
}
