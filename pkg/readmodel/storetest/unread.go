package storetest

import (
	"context"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

func testUnread(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby"). // 1
										says("ann", "a", nil).becomes("bob", events.MembershipJoin).   // 2, 3
										says("ann", "b", nil).replies("ann", 2).says("bob", "c", nil). // 4, 5, 6
										says("ann", "d", nil).                                         // 7
										mentions(2, false, "bob").mentions(5, false, "bob").mentions(6, true).mentions(7, true)
	p.room(inMain("other")).created("bob", events.RoomPublic, "Other").says("bob", "x", nil).mentions(2, false, "ann", "bob")
	p.commit(t)

	type counts struct{ Unread, Mentions int64 }
	of := func(u events.UserID) counts {
		t.Helper()
		for _, row := range read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.UserRoom, error) {
			return rd.RoomsOf(ctx, events.DefaultTenant, u, false, readmodel.RoomCursor{}, 10)
		}) {
			if row.Tenant == r.key.Tenant && row.RoomRow.Room == r.key.Room {
				return counts{row.Unread, row.Mentions}
			}
		}
		t.Fatal("the room is not listed for", u)
		return counts{}
	}
	mark := func(u events.UserID, seq events.Seq) {
		r.member(u, func(m *room.Member) { m.Read = seq })
		p.record()
		p.commit(t)
	}
	equal(t, "bob, all", of("bob"), counts{4, 3}) // not his own word to everyone
	equal(t, "ann, all", of("ann"), counts{4, 1})
	for _, test := range []struct {
		read events.Seq
		want counts
	}{{1, counts{4, 3}}, {2, counts{3, 2}}, {3, counts{3, 2}}, {4, counts{2, 2}}, {5, counts{2, 1}}, {6, counts{1, 1}}, {7, counts{0, 0}}, {3, counts{3, 2}}} {
		mark("bob", test.read)
		equal(t, "bob, past a mark", of("bob"), test.want)
	}

	// Since he joined only, unless his mark is further.
	r.Settings.History, r.touched = events.HistoryJoined, true
	mark("bob", 0)
	equal(t, "bob, since he joined", of("bob"), counts{3, 2})
	mark("bob", 6)
	equal(t, "bob, since he joined, past a mark", of("bob"), counts{1, 1})
	r.Settings.History, r.touched = events.HistoryAll, true
	mark("bob", 0)
	equal(t, "bob, all of it again", of("bob"), counts{4, 3})

	// Redacted: one outside of threads, and one in a thread.
	r.redacts("ann", room.Redaction{From: 4, To: 5}) // 8
	p.commit(t)
	equal(t, "bob, after a redaction", of("bob"), counts{3, 2})
	mark("bob", 4)
	equal(t, "bob, after a redaction, past it", of("bob"), counts{2, 1})
	r.redacts("ann", room.Redaction{From: 6, To: 7}) // 9
	p.commit(t)
	equal(t, "bob, after all", of("bob"), counts{0, 0})
	r.says("ann", "e", nil)
	p.commit(t)
	equal(t, "bob, after one more", of("bob"), counts{1, 0})
}

// testListed shows which rooms are on a person's lists.
func testListed(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	for _, id := range []events.RoomID{"a", "b", "c"} {
		p.room(inMain(id)).created("ann", events.RoomPublic, "").becomes("bob", events.MembershipJoin).says("bob", "hi", nil)
	}
	p.commit(t)
	lists := func(when string, open, archived []events.RoomID) {
		t.Helper()
		for _, away := range []bool{false, true} {
			want := open
			if away {
				want = archived
			}
			got := read(t, s, func(ctx context.Context, rd readmodel.Reader) (ids []events.RoomID, err error) {
				rows, err := rd.RoomsOf(ctx, events.DefaultTenant, "ann", away, readmodel.RoomCursor{}, 10)
				for _, row := range rows {
					ids = append(ids, row.Room)
				}
				return ids, err
			})
			equal(t, when, got, want)
		}
	}
	lists("at first", []events.RoomID{"c", "b", "a"}, nil)
	p.room(inMain("a")).member("ann", func(m *room.Member) { m.Archived = true })
	p.room(inMain("b")).member("ann", func(m *room.Member) { m.Hidden = 3 })
	p.room(inMain("c")).member("ann", func(m *room.Member) { m.Muted = true })
	p.commit(t)
	lists("one archived, one hidden", []events.RoomID{"c"}, []events.RoomID{"a"})
	p.room(inMain("a")).says("bob", "hi", nil)
	p.room(inMain("b")).becomes("carl", events.MembershipJoin)
	p.commit(t)
	lists("something happened, nothing was posted", []events.RoomID{"c"}, []events.RoomID{"a"})
	p.room(inMain("b")).says("bob", "hi", nil)
	p.commit(t)
	lists("something was posted", []events.RoomID{"b", "c"}, []events.RoomID{"a"})
	for _, id := range []events.RoomID{"a", "b"} {
		r := p.room(inMain(id))
		r.Deleted, r.touched = true, true
	}
	p.record()
	p.commit(t)
	lists("two deleted", []events.RoomID{"c"}, nil)

	// An invitation shows, whatever was said of the room before.
	p.room(inMain("c")).member("ann", func(m *room.Member) {
		m.Membership, m.Since, m.Hidden, m.Archived = events.MembershipInvite, 5, 4, true
	})
	p.record()
	p.commit(t)
	lists("invited again", []events.RoomID{"c"}, nil)
}
