package storetest

import (
	"fmt"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

func testNeeds(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby").
		becomes("bob", events.MembershipJoin).
		becomes("eve", events.MembershipBan).
		says("bob", "root", func(e *readmodel.EventRow) { e.Digest = "of the root" }).
		says("bob", "reply", func(e *readmodel.EventRow) { e.ThreadRoot = eventID(lobby, 4) })
	rejected := r.verdict("rejected", "eve", room.Rejected, room.CodeBanned)
	unchanged := r.verdict("unchanged", "ann", room.Accepted, "")
	r.verdict("expired", "ann", room.Rejected, room.CodeExpired)
	r.verdict("then bound", "ann", room.Rejected, room.CodeExpired)
	bound := r.verdict("then bound", "ann", room.Rejected, room.CodeForbidden)
	r.verdict("then bound", "bob", room.Rejected, room.CodeKeyReused)
	p.room(inMain("empty")).created("ann", events.RoomPrivate, "Empty")
	p.room(inMain("stuck")).created("ann", events.RoomPrivate, "Stuck").parked("s1", room.CodeUnknownType)
	p.room(inMain("stuck")).parked("s2", "")
	p.room(inMain("never")).parked("n1", room.CodeUnknownType)
	header, stuck := r.Header, p.room(inMain("stuck")).Header
	p.commit(t)
	other := claimed(t, s, 1)
	other.room(readmodel.Key{Tenant: "acme", Room: lobby}).created("bob", events.RoomPrivate, "Theirs").
		becomes("zoe", events.MembershipJoin).verdict("rejected", "zoe", room.Rejected, room.CodeForbidden)
	other.commit(t)

	prior := func(o readmodel.OutcomeRow) room.Prior {
		return room.Prior{Type: o.Type, Sender: o.Sender, Digest: o.Digest, Code: o.Code}
	}
	view := func(h *room.Header, members map[events.UserID]room.Member, priors map[events.EventID]room.Prior) *room.View {
		v := room.NewView()
		v.Header = h
		if members != nil {
			v.Members = members
		}
		if priors != nil {
			v.Priors = priors
		}
		return v
	}
	for _, test := range []struct {
		name  string
		needs readmodel.Needs
		want  readmodel.Rows
	}{
		{"nothing", nil, readmodel.Rows{}},
		{
			"rooms, of which one does not exist",
			readmodel.Needs{inMain(lobby): {Header: true}, inMain("none"): {Header: true}, inMain("empty"): nil},
			readmodel.Rows{Views: map[readmodel.Key]*room.View{
				inMain(lobby): view(&header, nil, nil), inMain("none"): room.NewView(), inMain("empty"): room.NewView(),
			}},
		},
		{
			"a header that the caller holds",
			readmodel.Needs{inMain(lobby): {Members: []events.UserID{"bob"}}},
			readmodel.Rows{Views: map[readmodel.Key]*room.View{inMain(lobby): view(nil, map[events.UserID]room.Member{
				"bob": {User: "bob", Membership: events.MembershipJoin, Role: events.RoleMember, Since: 2},
			}, nil)}},
		},
		{
			"members there and not",
			readmodel.Needs{inMain(lobby): {Members: []events.UserID{"ann", "eve", "zoe"}}, inMain("empty"): {Members: []events.UserID{"bob"}}},
			readmodel.Rows{Views: map[readmodel.Key]*room.View{
				inMain(lobby): view(nil, map[events.UserID]room.Member{
					"ann": {User: "ann", Membership: events.MembershipJoin, Role: events.RoleOwner, Since: 1},
					"eve": {User: "eve", Membership: events.MembershipBan, Since: 3, Until: epochOfTests + 2000 + 60_000},
				}, nil),
				inMain("empty"): room.NewView(),
			}},
		},
		{
			"priors from events",
			readmodel.Needs{inMain(lobby): {Priors: []events.EventID{"lobby-1", "lobby-4", "lobby-5", "lobby-6"}}, inMain("empty"): {Priors: []events.EventID{"lobby-1"}}},
			readmodel.Rows{Views: map[readmodel.Key]*room.View{
				inMain(lobby): view(nil, nil, map[events.EventID]room.Prior{
					"lobby-1": {Type: events.TypeRoomCreated, Sender: "ann", Seq: 1},
					"lobby-4": {Type: events.TypeMessagePosted, Sender: "bob", Seq: 4, Digest: "of the root"},
					"lobby-5": {Type: events.TypeMessagePosted, Sender: "bob", Seq: 5, ThreadRoot: "lobby-4"},
				}),
				inMain("empty"): room.NewView(),
			}},
		},
		{
			"priors from outcomes that bind",
			readmodel.Needs{inMain(lobby): {Priors: []events.EventID{"rejected", "unchanged", "expired", "then bound"}}},
			readmodel.Rows{Views: map[readmodel.Key]*room.View{inMain(lobby): view(nil, nil, map[events.EventID]room.Prior{
				"rejected": prior(rejected), "unchanged": prior(unchanged), "then bound": prior(bound),
			})}},
		},
		{
			"blocked rooms",
			readmodel.Needs{inMain(lobby): {}, inMain("stuck"): {Header: true}, inMain("never"): {Header: true}},
			readmodel.Rows{
				Views:   map[readmodel.Key]*room.View{inMain(lobby): room.NewView(), inMain("stuck"): view(&stuck, nil, nil), inMain("never"): room.NewView()},
				Blocked: map[readmodel.Key]bool{inMain("stuck"): true, inMain("never"): true},
			},
		},
	} {
		got, err := p.fold(t.Context(), test.needs, readmodel.Batch{})
		if err != nil {
			t.Fatal(test.name, err)
		}
		if test.want.Views == nil {
			test.want.Views = map[readmodel.Key]*room.View{}
		}
		if test.want.Blocked == nil {
			test.want.Blocked = map[readmodel.Key]bool{}
		}
		equal(t, test.name+": blocked", got.Blocked, test.want.Blocked)
		if len(got.Views) != len(test.want.Views) {
			t.Errorf("%s: %d views", test.name, len(got.Views))
		}
		for k, want := range test.want.Views {
			equal(t, fmt.Sprintf("%s: view of %s", test.name, k.Room), got.Views[k], want)
		}
	}
}
