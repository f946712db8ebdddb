package storetest

import (
	"context"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// testRevocations: of a person's moments the latest stays, whatever comes after it.
func testRevocations(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "")
	r.revokes("bob", 5).revokes("ann", 7)
	p.room(readmodel.Key{Tenant: "acme", Room: lobby}).created("ann", events.RoomPublic, "").revokes("ann", 1)
	p.commit(t)
	r.revokes("bob", 4).revokes("ann", 8)
	p.commit(t)
	bob := readmodel.RevocationRow{Tenant: "main", User: "bob", Before: 5}
	all := read(t, s, func(ctx context.Context, r readmodel.Reader) ([]readmodel.RevocationRow, error) {
		return r.Revocations(ctx)
	})
	equal(t, "all", all, []readmodel.RevocationRow{
		{Tenant: "acme", User: "ann", Before: 1}, {Tenant: "main", User: "ann", Before: 8}, bob,
	})
	for who, want := range map[events.UserID]maybe[readmodel.RevocationRow]{"bob": there(bob), "zoe": {}} {
		got := read(t, s, func(ctx context.Context, r readmodel.Reader) (maybe[readmodel.RevocationRow], error) {
			return find(r.Revocation(ctx, "main", who))
		})
		equal(t, string(who), got, want)
	}
}
