package storetest

import (
	"context"
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
		says("bob", "reply", func(e *readmodel.EventRow) { e.ThreadRoot = eventID(lobby, 4) }).
		reacts("ann", 4, "+1", false).reacts("bob", 5, "+1", false)
	state := room.MessageState{Edits: 1, Edit: 6, Replies: 1, LastReply: 5, Pinned: 7, Reactions: []room.ReactionCount{{Key: "+1", Count: 1}}}
	r.state(4, state).member("ann", func(m *room.Member) {
		m.Invited, m.Read, m.Delivered, m.LastPost, m.Muted, m.Archived, m.Hidden = 1, 2, 3, 4, true, true, 5
	})
	r.Version, r.Archived, r.Deleted = 3, true, true
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
	with := func(v *room.View, change func(*room.View)) *room.View {
		change(v)
		return v
	}
	reaction := func(u events.UserID, message events.Seq, key string) room.ReactionID {
		return room.ReactionID{Target: eventID(lobby, message), Key: key, User: u}
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
			readmodel.Rows{
				Views:   map[readmodel.Key]*room.View{inMain(lobby): view(&header, nil, nil), inMain("none"): room.NewView(), inMain("empty"): room.NewView()},
				Highest: map[readmodel.Key]events.EventID{inMain(lobby): "unchanged", inMain("none"): "", inMain("empty"): "empty-1"},
			},
		},
		{
			"a header that the caller holds",
			readmodel.Needs{inMain(lobby): {Needs: room.Needs{Members: []events.UserID{"bob"}}}},
			readmodel.Rows{Views: map[readmodel.Key]*room.View{inMain(lobby): view(nil, map[events.UserID]room.Member{
				"bob": {User: "bob", Membership: events.MembershipJoin, Role: events.RoleMember, Since: 2},
			}, nil)}},
		},
		{
			"members there and not",
			readmodel.Needs{inMain(lobby): {Needs: room.Needs{Members: []events.UserID{"ann", "eve", "zoe"}}}, inMain("empty"): {Needs: room.Needs{Members: []events.UserID{"bob"}}}},
			readmodel.Rows{Views: map[readmodel.Key]*room.View{
				inMain(lobby): view(nil, map[events.UserID]room.Member{
					"ann": r.members["ann"],
					"eve": {User: "eve", Membership: events.MembershipBan, Since: 3, Until: epochOfTests + 2000 + 60_000},
				}, nil),
				inMain("empty"): room.NewView(),
			}},
		},
		{
			"priors from events",
			readmodel.Needs{inMain(lobby): {Needs: room.Needs{Priors: []events.EventID{"lobby-1", "lobby-4", "lobby-5", "lobby-6"}}}, inMain("empty"): {Needs: room.Needs{Priors: []events.EventID{"lobby-1"}}}},
			readmodel.Rows{Views: map[readmodel.Key]*room.View{
				inMain(lobby): with(view(nil, nil, map[events.EventID]room.Prior{
					"lobby-1": {Type: events.TypeRoomCreated, Sender: "ann", Seq: 1},
					"lobby-4": {Type: events.TypeMessagePosted, Sender: "bob", Seq: 4, Digest: "of the root"},
					"lobby-5": {Type: events.TypeMessagePosted, Sender: "bob", Seq: 5, ThreadRoot: "lobby-4"},
				}), func(v *room.View) { v.States["lobby-4"] = state }),
				inMain("empty"): room.NewView(),
			}},
		},
		{
			"priors from outcomes that bind",
			readmodel.Needs{inMain(lobby): {Needs: room.Needs{Priors: []events.EventID{"rejected", "unchanged", "expired", "then bound"}}}},
			readmodel.Rows{Views: map[readmodel.Key]*room.View{inMain(lobby): view(nil, nil, map[events.EventID]room.Prior{
				"rejected": prior(rejected), "unchanged": prior(unchanged), "then bound": prior(bound),
			})}},
		},
		{
			"one prior, from events",
			readmodel.Needs{inMain(lobby): {Needs: room.Needs{Priors: []events.EventID{"lobby-1"}}}},
			readmodel.Rows{Views: map[readmodel.Key]*room.View{inMain(lobby): view(nil, nil, map[events.EventID]room.Prior{
				"lobby-1": {Type: events.TypeRoomCreated, Sender: "ann", Seq: 1},
			})}},
		},
		{
			"one prior, from outcomes",
			readmodel.Needs{inMain(lobby): {Needs: room.Needs{Priors: []events.EventID{"then bound"}}}},
			readmodel.Rows{Views: map[readmodel.Key]*room.View{inMain(lobby): view(nil, nil, map[events.EventID]room.Prior{"then bound": prior(bound)})}},
		},
		{
			"reactions there and not",
			readmodel.Needs{
				inMain(lobby):   {Needs: room.Needs{Reactions: []room.ReactionID{reaction("ann", 4, "+1"), reaction("bob", 4, "+1"), reaction("ann", 4, "-1"), reaction("ann", 9, "+1")}}},
				inMain("empty"): {Needs: room.Needs{Reactions: []room.ReactionID{reaction("ann", 4, "+1")}}},
			},
			readmodel.Rows{Views: map[readmodel.Key]*room.View{
				inMain(lobby):   with(room.NewView(), func(v *room.View) { v.Reactions[reaction("ann", 4, "+1")] = true }),
				inMain("empty"): room.NewView(),
			}},
		},
		{
			"blocked rooms",
			readmodel.Needs{inMain(lobby): {}, inMain("stuck"): {Header: true}, inMain("never"): {Header: true}},
			readmodel.Rows{
				Views:   map[readmodel.Key]*room.View{inMain(lobby): room.NewView(), inMain("stuck"): view(&stuck, nil, nil), inMain("never"): room.NewView()},
				Blocked: map[readmodel.Key]bool{inMain("stuck"): true, inMain("never"): true},
				Highest: map[readmodel.Key]events.EventID{inMain("stuck"): "stuck-1", inMain("never"): ""},
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
		if test.want.Highest == nil {
			test.want.Highest = map[readmodel.Key]events.EventID{}
		}
		equal(t, test.name+": blocked", got.Blocked, test.want.Blocked)
		equal(t, test.name+": highest ids", got.Highest, test.want.Highest)
		if len(got.Views) != len(test.want.Views) {
			t.Errorf("%s: %d views", test.name, len(got.Views))
		}
		for k, want := range test.want.Views {
			equal(t, fmt.Sprintf("%s: view of %s", test.name, k.Room), got.Views[k], want)
			if n := test.needs[k]; n != nil && n.Header {
				equal(t, fmt.Sprintf("%s: view of %s in a snapshot", test.name, k.Room), viewOf(t, s, k, n.Needs), want)
			}
		}
	}
	// A snapshot has all of it, and the header in any case.
	got := viewOf(t, s, inMain(lobby), room.Needs{
		Members: []events.UserID{"ann"}, Priors: []events.EventID{"lobby-4", "rejected"}, Reactions: []room.ReactionID{reaction("bob", 5, "+1")},
	})
	equal(t, "view in a snapshot", got, with(
		view(&header, map[events.UserID]room.Member{"ann": r.members["ann"]}, map[events.EventID]room.Prior{
			"lobby-4": {Type: events.TypeMessagePosted, Sender: "bob", Seq: 4, Digest: "of the root"}, "rejected": prior(rejected),
		}),
		func(v *room.View) { v.States["lobby-4"], v.Reactions[reaction("bob", 5, "+1")] = state, true }))
}

func viewOf(t testing.TB, s readmodel.Store, k readmodel.Key, needs room.Needs) *room.View {
	t.Helper()
	return read(t, s, func(ctx context.Context, r readmodel.Reader) (*room.View, error) { return r.View(ctx, k, needs) })
}
