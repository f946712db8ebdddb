package storetest

import (
	"context"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

func testHeads(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 3)
	a := p.room(inMain("a")).created("ann", events.RoomPublic, "A").says("ann", "one", nil).becomes("bob", events.MembershipJoin).says("ann", "two", nil)
	b := p.room(inMain("b")).created("ann", events.RoomPrivate, "B").becomes("bob", events.MembershipInvite).says("ann", "one", nil)
	p.room(readmodel.Key{Tenant: "other", Room: "a"}).created("bob", events.RoomPublic, "Another tenant's")
	p.room(inMain("none")).created("ann", events.RoomPublic, "None of bob's")
	batch := p.take()
	offsets := map[readmodel.Key]map[events.Seq]events.Offset{}
	for _, e := range batch.Events {
		if offsets[e.Key] == nil {
			offsets[e.Key] = map[events.Seq]events.Offset{}
		}
		offsets[e.Key][e.Seq] = e.Offset
	}
	if _, err := p.fold(t.Context(), nil, batch); err != nil {
		t.Fatal(err)
	}
	head := func(r *roomBuilder, m events.Membership, since events.Seq) readmodel.Head {
		of := offsets[r.key]
		return readmodel.Head{
			Room: r.Room, Partition: 3, Members: r.Members, Last: of[r.Seq], Membership: m, Since: since, SinceOffset: of[since], Blocked: -1,
		}
	}
	heads := func(u events.UserID) []readmodel.Head {
		t.Helper()
		return read(t, s, func(ctx context.Context, r readmodel.Reader) ([]readmodel.Head, error) {
			return r.Heads(ctx, events.DefaultTenant, u)
		})
	}
	inA, inB := head(a, events.MembershipJoin, 3), head(b, events.MembershipInvite, 2)
	equal(t, "bob's", heads("bob"), []readmodel.Head{inA, inB})
	equal(t, "those of nobody", heads("zoe"), []readmodel.Head{})

	first := a.parked("p1", room.CodeUnknownType)
	a.parked("p2", "")
	p.commit(t)
	inA.Blocked = first.Offset
	equal(t, "with a blocked room", heads("bob"), []readmodel.Head{inA, inB})

	for seq := events.Seq(1); seq <= a.Seq; seq++ {
		for back, want := range []events.Seq{seq - 1, seq} {
			got := read(t, s, func(ctx context.Context, r readmodel.Reader) (events.Seq, error) {
				return r.SeqBefore(ctx, a.key, offsets[a.key][seq]+events.Offset(back))
			})
			equal(t, "seq before an offset", got, want)
		}
	}
}
