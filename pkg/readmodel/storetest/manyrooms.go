package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// testManyRooms pages through the rooms of somebody who has so many that the latest of
// all rooms are looked at first: while theirs are the latest, and when they no longer
// are.
func testManyRooms(t *testing.T, open Open) {
	const rooms, others, page = 330, 980, 50
	s := open(t, nil)
	p := claimed(t, s, 0)
	id := func(n int) readmodel.Key { return inMain(events.RoomID(fmt.Sprintf("room-%04d", n))) }
	var want, archived []events.RoomID
	for n := range rooms {
		r := p.room(id(n)).created("ann", events.RoomPublic, "")
		r.LastMessage = 1
		switch n % 11 {
		case 3:
			r.Deleted = true
		case 5:
			r.member("ann", func(m *room.Member) { m.Hidden = 1 })
		case 7:
			r.member("ann", func(m *room.Member) { m.Archived = true })
			archived = append(archived, r.key.Room)
		default:
			want = append(want, r.key.Room)
		}
		if n%3 == 2 { // with one log time
			r.LogTime -= 2000
		}
	}
	p.commit(t)
	slices.SortFunc(want, func(a, b events.RoomID) int { return later(p, a, b) })
	slices.SortFunc(archived, func(a, b events.RoomID) int { return later(p, a, b) })

	lists := func(when string) {
		t.Helper()
		for _, away := range []bool{false, true} {
			var got []events.RoomID
			for after := (readmodel.RoomCursor{}); ; {
				rows := read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.UserRoom, error) {
					return rd.RoomsOf(ctx, events.DefaultTenant, "ann", away, after, page)
				})
				for _, row := range rows {
					got = append(got, row.Room)
					after = readmodel.RoomCursor{LogTime: row.LogTime, Room: row.Room}
				}
				if len(rows) < page {
					break
				}
			}
			if away {
				equal(t, when+", archived", got, archived)
			} else {
				equal(t, when, got, want)
			}
		}
	}
	lists("the latest")
	for n := range others {
		p.room(id(rooms+n)).created("bob", events.RoomPublic, "")
	}
	p.commit(t)
	lists("behind others")
}

// later orders rooms as a list of them does.
func later(p *projector, a, b events.RoomID) int {
	x, y := p.room(inMain(a)), p.room(inMain(b))
	return cmp.Or(cmp.Compare(y.LogTime, x.LogTime), cmp.Compare(a, b))
}
