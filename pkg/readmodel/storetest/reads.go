package storetest

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

func testRooms(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	b := p.room(inMain("b")).created("ann", events.RoomPublic, "B")
	a := p.room(inMain("a")).created("ann", events.RoomPrivate, "A")
	d := p.room(inMain("d")).created("bob", events.RoomPrivate, "D").becomes("ann", events.MembershipInvite)
	e := p.room(inMain("e")).created("bob", events.RoomPublic, "E").becomes("ann", events.MembershipLeave)
	f := p.room(inMain("f")).created("bob", events.RoomPublic, "F").becomes("ann", events.MembershipBan)
	c := p.room(inMain("c")).created("ann", events.RoomPublic, "C").says("ann", "one", nil).becomes("bob", events.MembershipJoin)
	a.LogTime = b.LogTime // a tie
	p.commit(t)

	row := func(r *roomBuilder) readmodel.RoomRow {
		return readmodel.RoomRow{Header: r.Header, Content: toJSON(events.RoomContent{Name: strings.ToUpper(string(r.Room))})}
	}
	for _, r := range []*roomBuilder{a, b, c, d, e, f} {
		got := read(t, s, func(ctx context.Context, rd readmodel.Reader) (maybe[readmodel.RoomRow], error) {
			return find(rd.Room(ctx, r.key))
		})
		equal(t, "room "+string(r.Room), got, there(row(r)))
	}
	none := read(t, s, func(ctx context.Context, rd readmodel.Reader) (maybe[readmodel.RoomRow], error) {
		return find(rd.Room(ctx, inMain("none")))
	})
	equal(t, "room that is not there", none, maybe[readmodel.RoomRow]{})

	of := func(u events.UserID, after readmodel.RoomCursor, limit int) []readmodel.UserRoom {
		t.Helper()
		return read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.UserRoom, error) {
			return rd.RoomsOf(ctx, events.DefaultTenant, u, false, after, limit)
		})
	}
	last := read(t, s, func(ctx context.Context, rd readmodel.Reader) (maybe[readmodel.MessageRow], error) {
		return find(rd.Message(ctx, c.key, "c-2"))
	})
	as := func(r *roomBuilder) readmodel.UserRoom {
		return readmodel.UserRoom{RoomRow: row(r), Member: r.members["ann"]}
	}
	ofC := as(c)
	ofC.Last, ofC.Unread = last.Value, 1
	all := []readmodel.UserRoom{ofC, as(d), as(a), as(b)}
	equal(t, "ann's rooms", of("ann", readmodel.RoomCursor{}, 10), all)
	equal(t, "those of nobody", of("zoe", readmodel.RoomCursor{}, 10), []readmodel.UserRoom{})
	equal(t, "none wanted", of("ann", readmodel.RoomCursor{}, 0), []readmodel.UserRoom{})
	for n := 1; n <= len(all); n++ {
		equal(t, fmt.Sprintf("the first %d", n), of("ann", readmodel.RoomCursor{}, n), all[:n])
		after := readmodel.RoomCursor{LogTime: all[n-1].LogTime, Room: all[n-1].Room}
		equal(t, fmt.Sprintf("after the first %d", n), of("ann", after, 10), all[n:])
	}
}

func testMembers(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	// Ids compare bytewise: upper case first, "~" last, whatever the locale.
	p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby").
		becomes("Zoe", events.MembershipJoin).becomes("~x", events.MembershipInvite).becomes("b-b", events.MembershipLeave).becomes("b.a", events.MembershipBan)
	p.room(inMain("lobby2")).created("carl", events.RoomPublic, "Another")
	p.commit(t)
	p.room(inMain(lobby)).becomes("b-b", events.MembershipJoin) // again
	p.commit(t)

	all := []room.Member{
		{User: "Zoe", Membership: events.MembershipJoin, Role: events.RoleMember, Since: 2},
		{User: "ann", Membership: events.MembershipJoin, Role: events.RoleOwner, Since: 1},
		{User: "b-b", Membership: events.MembershipJoin, Role: events.RoleMember, Since: 6},
		{User: "b.a", Membership: events.MembershipBan, Since: 5, Until: epochOfTests + 4000 + 60_000},
		{User: "~x", Membership: events.MembershipInvite, Since: 3},
	}
	list := func(after events.UserID, limit int) []room.Member {
		t.Helper()
		return read(t, s, func(ctx context.Context, r readmodel.Reader) ([]room.Member, error) {
			return r.Members(ctx, inMain(lobby), after, limit)
		})
	}
	equal(t, "all", list("", 10), all)
	equal(t, "none wanted", list("", 0), []room.Member{})
	equal(t, "after someone who is not there", list("b", 10), all[2:])
	for n := 1; n <= len(all); n++ {
		equal(t, fmt.Sprintf("the first %d", n), list("", n), all[:n])
		equal(t, fmt.Sprintf("after the first %d", n), list(all[n-1].User, 10), all[n:])
	}
	for _, m := range all {
		got := read(t, s, func(ctx context.Context, r readmodel.Reader) (maybe[room.Member], error) {
			return find(r.Member(ctx, inMain(lobby), m.User))
		})
		equal(t, "member "+string(m.User), got, there(m))
	}
	none := read(t, s, func(ctx context.Context, r readmodel.Reader) (maybe[room.Member], error) {
		return find(r.Member(ctx, inMain(lobby), "carl"))
	})
	equal(t, "member of another room", none, maybe[room.Member]{})
}

func testEvents(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 5)
	p.room(inMain("a")).created("ann", events.RoomPublic, "Before")
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby").
		says("ann", "one", func(e *readmodel.EventRow) { e.Digest, e.ContentKey, e.ThreadRoot = "d", "k", "t" }).
		becomes("bob", events.MembershipJoin).says("bob", "two", nil).becomes("bob", events.MembershipLeave)
	p.room(inMain("z")).created("ann", events.RoomPublic, "After").says("ann", "elsewhere", nil)
	batch := p.take()
	var all []readmodel.EventRow
	for _, e := range batch.Events {
		if e.Key == r.key {
			e.LastMessage, e.Posted, e.SentUntil = 0, 0, 0 // the store's own
			all = append(all, e)
		}
	}
	if _, err := p.fold(t.Context(), nil, batch); err != nil {
		t.Fatal(err)
	}
	pick := func(seqs ...int) []readmodel.EventRow {
		rows := []readmodel.EventRow{}
		for _, n := range seqs {
			rows = append(rows, all[n-1])
		}
		return rows
	}
	message, member, created := events.TypeMessagePosted, events.TypeMemberChanged, events.TypeRoomCreated
	for _, test := range []struct {
		name  string
		after events.Seq
		types []events.Type
		limit int
		want  []readmodel.EventRow
	}{
		{"all", 0, nil, 10, pick(1, 2, 3, 4, 5)},
		{"from below", -1, nil, 10, pick(1, 2, 3, 4, 5)},
		{"the first", 0, nil, 1, pick(1)},
		{"as many as there are", 0, nil, 5, pick(1, 2, 3, 4, 5)},
		{"none wanted", 0, nil, 0, pick()},
		{"in the middle", 2, nil, 2, pick(3, 4)},
		{"after the last but one", 4, nil, 10, pick(5)},
		{"after the last", 5, nil, 10, pick()},
		{"after the end", math.MaxInt64, nil, 10, pick()},
		{"messages", 0, []events.Type{message}, 10, pick(2, 4)},
		{"one message", 2, []events.Type{message}, 1, pick(4)},
		{"members", 0, []events.Type{member}, 10, pick(3, 5)},
		{"members and creation", 0, []events.Type{member, created}, 10, pick(1, 3, 5)},
		{"messages and creation", 0, []events.Type{message, created}, 2, pick(1, 2)},
		{"an unknown type", 0, []events.Type{"room.renamed"}, 10, pick()},
		{"all types, one twice", 1, []events.Type{message, member, created, member}, 3, pick(2, 3, 4)},
	} {
		got := read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.EventRow, error) {
			return rd.Events(ctx, r.key, test.after, test.types, test.limit)
		})
		equal(t, test.name, got, test.want)
	}
	for _, e := range all {
		got := read(t, s, func(ctx context.Context, rd readmodel.Reader) (maybe[readmodel.EventRow], error) {
			return find(rd.Event(ctx, r.key, e.ID))
		})
		equal(t, "event "+string(e.ID), got, there(e))
	}
	none := read(t, s, func(ctx context.Context, rd readmodel.Reader) (maybe[readmodel.EventRow], error) {
		return find(rd.Event(ctx, r.key, "z-1"))
	})
	equal(t, "event of another room", none, maybe[readmodel.EventRow]{})
}

func testMessages(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	at := func(ms int64) func(*readmodel.EventRow) { return func(e *readmodel.EventRow) { e.SentAt = ms } }
	p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby"). // 1
										says("ann", "a", at(1000)).                  // 2
										says("ann", "b", at(3000)).                  // 3
										becomes("bob", events.MembershipJoin).       // 4
										says("bob", "from an import", at(-500)).     // 5
										says("bob", "at the same time", at(3000)).   // 6
										says("bob", "a clock ahead", at(9_000_000)). // 7
										becomes("bob", events.MembershipLeave)       // 8
	p.room(inMain("other")).created("ann", events.RoomPublic, "Other").says("ann", "x", at(2000))
	sparse := p.room(inMain("sparse")).created("ann", events.RoomPublic, "Sparse").says("ann", "first", nil)
	for n := range 10 {
		sparse.becomes(user(n), events.MembershipJoin)
	}
	sparse.says("ann", "last", nil)
	p.commit(t)

	seqs := func(rows []readmodel.MessageRow, err error) ([]events.Seq, error) {
		list := []events.Seq{}
		for _, e := range rows {
			if e.Type != events.TypeMessagePosted {
				t.Errorf("a row that is no message: %+v", e)
			}
			list = append(list, e.Seq)
		}
		return list, err
	}
	for _, test := range []struct {
		seq           events.Seq
		limit         int
		before, after []events.Seq
	}{
		{0, 10, []events.Seq{}, []events.Seq{2, 3, 5, 6, 7}},
		{2, 10, []events.Seq{}, []events.Seq{3, 5, 6, 7}},
		{3, 10, []events.Seq{2}, []events.Seq{5, 6, 7}},
		{4, 10, []events.Seq{2, 3}, []events.Seq{5, 6, 7}},
		{6, 2, []events.Seq{3, 5}, []events.Seq{7}},
		{6, 3, []events.Seq{2, 3, 5}, []events.Seq{7}},
		{6, 1, []events.Seq{5}, []events.Seq{7}},
		{6, 0, []events.Seq{}, []events.Seq{}},
		{7, 10, []events.Seq{2, 3, 5, 6}, []events.Seq{}},
		{8, 10, []events.Seq{2, 3, 5, 6, 7}, []events.Seq{}},
		{math.MaxInt64, 2, []events.Seq{6, 7}, []events.Seq{}},
	} {
		before := read(t, s, func(ctx context.Context, r readmodel.Reader) ([]events.Seq, error) {
			return seqs(r.MessagesBefore(ctx, inMain(lobby), test.seq, test.limit))
		})
		equal(t, fmt.Sprintf("%d before %d", test.limit, test.seq), before, test.before)
		after := read(t, s, func(ctx context.Context, r readmodel.Reader) ([]events.Seq, error) {
			return seqs(r.MessagesAfter(ctx, inMain(lobby), test.seq, test.limit))
		})
		equal(t, fmt.Sprintf("%d after %d", test.limit, test.seq), after, test.after)
	}
	far := read(t, s, func(ctx context.Context, r readmodel.Reader) ([][]events.Seq, error) {
		before, err := seqs(r.MessagesBefore(ctx, sparse.key, 13, 1))
		if err != nil {
			return nil, err
		}
		after, err := seqs(r.MessagesAfter(ctx, sparse.key, 2, 1))
		return [][]events.Seq{before, after}, err
	})
	equal(t, "messages with much between them", far, [][]events.Seq{{2}, {13}})
	for _, test := range []struct {
		at   int64
		want maybe[events.Seq]
	}{
		{math.MinInt64, there(events.Seq(2))},
		{-500, there(events.Seq(2))},
		{-499, there(events.Seq(2))},
		{1000, there(events.Seq(2))},
		{1001, there(events.Seq(3))},
		{3000, there(events.Seq(3))},
		{3001, there(events.Seq(7))},
		{9_000_000, there(events.Seq(7))},
		{9_000_001, maybe[events.Seq]{}},
	} {
		got := read(t, s, func(ctx context.Context, r readmodel.Reader) (maybe[events.Seq], error) {
			return find(r.MessageAt(ctx, inMain(lobby), test.at))
		})
		equal(t, fmt.Sprintf("message at %d", test.at), got, test.want)
	}
}

func testOutcomes(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 2)
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby").
		says("ann", "hi", func(e *readmodel.EventRow) { e.Digest = "d" })
	reused := r.verdict(eventID(lobby, 2), "ann", room.Rejected, room.CodeKeyReused)
	rejected := r.verdict("no", "eve", room.Rejected, room.CodeNotAMember)
	unchanged := r.verdict("same", "ann", room.Accepted, "")
	expired := r.verdict("late", "ann", room.Rejected, room.CodeExpired)
	expiredLater := r.verdict("late", "ann", room.Rejected, room.CodeExpired)
	early := r.verdict("retried", "ann", room.Rejected, room.CodeExpired)
	bound := r.verdict("retried", "ann", room.Rejected, room.CodeForbidden)
	after := r.verdict("retried", "bob", room.Rejected, room.CodeKeyReused)
	p.commit(t)

	of := func(o readmodel.OutcomeRow) maybe[readmodel.Outcome] {
		return there(readmodel.Outcome{
			Type: o.Type, Sender: o.Sender, Status: o.Status, Code: o.Code, Digest: o.Digest, Partition: o.Partition, Offset: o.Offset,
		})
	}
	accepted := there(readmodel.Outcome{
		Type: events.TypeMessagePosted, Sender: "ann", Status: room.Accepted, Seq: 2, Digest: "d", Partition: 2, Offset: 1,
	})
	none := maybe[readmodel.Outcome]{}
	for _, test := range []struct {
		id   events.EventID
		want maybe[readmodel.Outcome]
	}{
		{eventID(lobby, 2), accepted},
		{"no", of(rejected)},
		{"same", of(unchanged)},
		{"late", of(expiredLater)},
		{"retried", of(bound)},
		{"unheard of", none},
	} {
		got := read(t, s, func(ctx context.Context, rd readmodel.Reader) (maybe[readmodel.Outcome], error) {
			return find(rd.Outcome(ctx, inMain(lobby), test.id))
		})
		equal(t, "outcome of "+string(test.id), got, test.want)
	}
	for _, test := range []struct {
		id   events.EventID
		p    events.Partition
		at   events.Offset
		want maybe[readmodel.Outcome]
	}{
		{eventID(lobby, 2), 2, 1, accepted},
		{eventID(lobby, 2), 2, reused.Offset, of(reused)},
		{eventID(lobby, 2), 2, 0, none},
		{eventID(lobby, 2), 1, 1, none},
		{"late", 2, expired.Offset, of(expired)},
		{"late", 2, expiredLater.Offset, of(expiredLater)},
		{"retried", 2, early.Offset, of(early)},
		{"retried", 2, bound.Offset, of(bound)},
		{"retried", 2, after.Offset, of(after)},
		{"retried", 0, after.Offset, none},
		{"no", 2, unchanged.Offset, none},
	} {
		got := read(t, s, func(ctx context.Context, rd readmodel.Reader) (maybe[readmodel.Outcome], error) {
			return find(rd.OutcomeAt(ctx, inMain(lobby), test.id, test.p, test.at))
		})
		equal(t, fmt.Sprintf("outcome of %s at %d/%d", test.id, test.p, test.at), got, test.want)
	}
}
