package sqlite

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// maxNumbers is how many rooms' numbers the writer keeps. Others cost a lookup a batch.
const maxNumbers = 10_000

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
	place int64
}

// placedEvents has the place for what that is made of.
func placedEvents() tables.Insert[placed] {
	in := tables.Insert[placed]{
		Table:   tables.Events.Table,
		Columns: []tables.Column[placed]{{Name: "place", Int: func(p *placed) int64 { return p.place }}},
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
		number, err := t.number(e.Key)
		if err != nil {
			return err
		}
		place, err := tables.Place(number, e.Seq)
		if err != nil {
			return fmt.Errorf("event %s in room %s/%s: %w", e.ID, e.Tenant, e.Room, err)
		}
		order[i] = placed{e, place}
	}
	slices.SortFunc(order, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
	return writeRows(t, insertEvents, len(order), at(order))
}

// numbers are those of rooms that the writer knows, and those that a transaction has
// found out: where it does not commit, a new room's is another's.
type numbers struct{ known, found map[readmodel.Key]int64 }

func (n *numbers) keep() {
	if len(n.known)+len(n.found) > maxNumbers {
		clear(n.known)
	}
	maps.Copy(n.known, n.found)
}

// number is that of a room that is written.
func (t *tx) number(k readmodel.Key) (n int64, err error) {
	if n, ok := t.numbers.known[k]; ok {
		return n, nil
	}
	if n, ok := t.numbers.found[k]; ok {
		return n, nil
	}
	err = t.read("number", `SELECT number FROM rooms WHERE tenant = $1 AND room = $2`, []any{string(k.Tenant), string(k.Room)}, func(r tables.Row) error {
		return r.Scan(&n)
	})
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: an event in room %s/%s, which is not there", readmodel.ErrRowRefused, k.Tenant, k.Room)
	}
	if err != nil {
		return 0, err
	}
	if t.numbers.found == nil {
		t.numbers.found = map[readmodel.Key]int64{}
	}
	t.numbers.found[k] = n
	return n, nil
}
