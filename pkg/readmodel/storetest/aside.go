package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

func testAside(t *testing.T, open Open) {
	s := open(t, nil)
	p, other := claimed(t, s, 0), claimed(t, s, 4)
	p.bad("no key")
	p.bad("words of any origin: \x00 \xff " + strings.Repeat("long ", 2000))
	p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby")
	first := p.room(inMain("b")).parked("b1", room.CodeUnknownType)
	p.room(inMain("b")).parked("b2", "")
	p.room(inMain("b")).parked("b3", "")
	second := p.room(inMain("a")).parked("a1", room.CodePanic)
	third := other.room(readmodel.Key{Tenant: "acme", Room: "b"}).parked("b1", room.CodeUnknownRules)
	batch := p.take()
	if _, err := p.fold(t.Context(), nil, batch); err != nil {
		t.Fatal(err)
	}
	other.commit(t)

	// The same records again, as after a commit whose answer was lost: they stay.
	again := readmodel.Batch{BadRecords: batch.BadRecords, DeadLetters: batch.DeadLetters}
	again.DeadLetters[0].Reason = "another reason"
	if _, err := p.fold(t.Context(), nil, again); err != nil {
		t.Fatal("the same records again:", err)
	}

	blocked := func(k readmodel.Key) maybe[readmodel.DeadLetter] {
		return read(t, s, func(ctx context.Context, r readmodel.Reader) (maybe[readmodel.DeadLetter], error) {
			return find(r.Blocked(ctx, k))
		})
	}
	equal(t, "a blocked room", blocked(inMain("b")), there(first))
	equal(t, "another blocked room", blocked(inMain("a")), there(second))
	equal(t, "the room of another tenant", blocked(third.Key), there(third))
	equal(t, "a room that is not blocked", blocked(inMain(lobby)), maybe[readmodel.DeadLetter]{})

	rooms := func(limit int) []readmodel.DeadLetter {
		return read(t, s, func(ctx context.Context, r readmodel.Reader) ([]readmodel.DeadLetter, error) {
			return r.BlockedRooms(ctx, limit)
		})
	}
	equal(t, "blocked rooms", rooms(10), []readmodel.DeadLetter{third, second, first})
	equal(t, "two blocked rooms", rooms(2), []readmodel.DeadLetter{third, second})
	equal(t, "no blocked rooms", rooms(0), []readmodel.DeadLetter{})

	parked := func(k readmodel.Key, limit int) (ids []events.EventID) {
		for _, d := range read(t, s, func(ctx context.Context, r readmodel.Reader) ([]readmodel.DeadLetter, error) {
			return r.Parked(ctx, k, limit)
		}) {
			ids = append(ids, d.ID)
		}
		return ids
	}
	equal(t, "parked records", parked(inMain("b"), 10), []events.EventID{"b1", "b2", "b3"})
	equal(t, "two parked records", parked(inMain("b"), 2), []events.EventID{"b1", "b2"})
	equal(t, "parked records of a room that has none", parked(inMain(lobby), 2), []events.EventID(nil))

	counts := read(t, s, func(ctx context.Context, r readmodel.Reader) (map[events.Partition]readmodel.Counts, error) {
		return r.Counts(ctx)
	})
	equal(t, "counts", counts, map[events.Partition]readmodel.Counts{
		0: {BadRecords: 2, DeadLetters: 4, BlockedRooms: 2}, 4: {DeadLetters: 1, BlockedRooms: 1},
	})
}

// testUnpark has the records of a room judged after all, up to one that is parked
// again, without a record of the log being folded.
func testUnpark(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	r := p.room(inMain("b"))
	var rows []readmodel.DeadLetter
	for _, id := range []events.EventID{"b1", "b2", "b3"} {
		rows = append(rows, r.parked(id, map[bool]room.Code{true: room.CodePanic}[id == "b1"]))
	}
	p.room(inMain("c")).parked("c1", room.CodePanic)
	p.commit(t)

	again := rows[1]
	again.Code, again.Reason = room.CodeUnknownType, "another reason"
	place := func(d readmodel.DeadLetter) readmodel.Parked {
		return readmodel.Parked{Key: d.Key, Partition: d.Partition, Offset: d.Offset}
	}
	f := p.fence()
	f.Floor, f.Next, f.Decisions = p.claim.Next, p.claim.Next, 7
	f.DecisionsLog = events.LogID{5}
	err := s.Fold(t.Context(), f, readmodel.Needs{r.key: nil}, func(rs readmodel.Rows) (readmodel.Batch, error) {
		if !rs.Blocked[r.key] {
			t.Error("the room is not blocked")
		}
		return readmodel.Batch{Unparked: []readmodel.Parked{place(rows[0]), place(again)}, DeadLetters: []readmodel.DeadLetter{again}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	left := read(t, s, func(ctx context.Context, r readmodel.Reader) ([]readmodel.DeadLetter, error) {
		return r.Parked(ctx, inMain("b"), 10)
	})
	equal(t, "what stays parked", left, []readmodel.DeadLetter{again, rows[2]})
	equal(t, "the checkpoint's decisions", checkpoint(t, s, 0).Value.Decisions, events.Offset(7))
	counts := read(t, s, func(ctx context.Context, r readmodel.Reader) (map[events.Partition]readmodel.Counts, error) {
		return r.Counts(ctx)
	})
	equal(t, "counts", counts[0], readmodel.Counts{DeadLetters: 3, BlockedRooms: 2})

	// Decisions never go back; the log's id is changed where the fence names one.
	f.Decisions, f.Floor, f.Next, f.Log, f.LastID = 3, p.claim.Next, 1, events.LogID{9}, ""
	if err := s.Fold(t.Context(), f, nil, func(readmodel.Rows) (readmodel.Batch, error) { return readmodel.Batch{}, nil }); err != nil {
		t.Fatal(err)
	}
	got := checkpoint(t, s, 0).Value
	if got.Decisions != 7 || got.DecisionsLog != f.DecisionsLog || got.Log != f.Log || got.Next != 1 || got.LastID != "" {
		t.Errorf("checkpoint of another log: %+v", got)
	}
	// Of another topic they begin anew; a fence without a topic leaves them.
	for _, topic := range []events.LogID{{6}, {}} {
		f.Floor, f.DecisionsLog = f.Next, topic
		f.Decisions -= 1
		if err := s.Fold(t.Context(), f, nil, func(readmodel.Rows) (readmodel.Batch, error) { return readmodel.Batch{}, nil }); err != nil {
			t.Fatal(err)
		}
		if got := checkpoint(t, s, 0).Value; got.Decisions != 2 || got.DecisionsLog != (events.LogID{6}) {
			t.Errorf("decisions of another topic: %+v", got)
		}
	}
}

func testTenants(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	tenants := []events.Tenant{"acme", events.DefaultTenant}
	for _, tenant := range tenants {
		k := readmodel.Key{Tenant: tenant, Room: lobby}
		r := p.room(k).created("ann", events.RoomPublic, "of "+string(tenant)).says("ann", "in "+string(tenant), nil)
		if tenant == "acme" {
			r.becomes("bob", events.MembershipJoin).verdict("v", "bob", room.Rejected, room.CodeForbidden)
		}
	}
	p.commit(t)

	for _, tenant := range tenants {
		k := readmodel.Key{Tenant: tenant, Room: lobby}
		want := p.rooms[k].Header
		err := s.Snapshot(t.Context(), func(r readmodel.Reader) error {
			row, ok, err := r.Room(t.Context(), k)
			if err != nil || !ok || row.Header != want {
				t.Errorf("room of %s: %+v, %v, %v", tenant, row, ok, err)
			}
			list, err := r.Events(t.Context(), k, 0, nil, 10)
			for _, e := range list {
				if e.Tenant != tenant {
					t.Errorf("events of %s have %+v", tenant, e)
				}
			}
			if err != nil || len(list) != int(want.Seq) {
				t.Errorf("events of %s: %d, %v", tenant, len(list), err)
			}
			mine := tenant == "acme"
			if _, ok, err := r.Member(t.Context(), k, "bob"); ok != mine || err != nil {
				t.Errorf("bob in the room of %s: %v, %v", tenant, ok, err)
			}
			if members, err := r.Members(t.Context(), k, "", 10); len(members) != int(want.Members) || err != nil {
				t.Errorf("members in the room of %s: %v, %v", tenant, members, err)
			}
			if rooms, err := r.RoomsOf(t.Context(), tenant, "ann", false, readmodel.RoomCursor{}, 10); err != nil || len(rooms) != 1 ||
				rooms[0].Tenant != tenant || rooms[0].Last.Tenant != tenant {
				t.Errorf("ann's rooms in %s: %+v, %v", tenant, rooms, err)
			}
			if rooms, err := r.RoomsOf(t.Context(), tenant, "bob", false, readmodel.RoomCursor{}, 10); (len(rooms) == 1) != mine || err != nil {
				t.Errorf("bob's rooms in %s: %+v, %v", tenant, rooms, err)
			}
			if _, ok, err := r.Outcome(t.Context(), k, "v"); ok != mine || err != nil {
				t.Errorf("outcome in %s: %v, %v", tenant, ok, err)
			}
			if e, ok, err := r.Event(t.Context(), k, "lobby-2"); e.Tenant != tenant || !ok || err != nil {
				t.Errorf("event in %s: %+v, %v, %v", tenant, e, ok, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// testText shows that what the log has comes back byte for byte, of few rows and of
// many: a store may write them in other ways.
func testText(t *testing.T, open Open) {
	for _, times := range []int{1, 100} {
		t.Run(fmt.Sprintf("times=%d", times), func(t *testing.T) { testTextTimes(t, open, times) })
	}
}

func testTextTimes(t *testing.T, open Open, times int) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby")
	texts := []string{
		`{ "text" :	"spaces stay",  "n": 1.0e+2, "text": "twice" }`,
		`"a string, where content is encrypted"`,
		`{"text":"<&> ' '' \" \\ \\u0041 \u2028 $1 ? %s {} ` + "\u2028\U0001F600 e\u0301 \uFFFD\uFEFF\\n" + `"}`,
		`{"text":"` + strings.Repeat("ü€😀 ", events.MaxText/10) + `"}`,
		"\r\n{\t\"text\"\n:\r\"ends of values and rows\"\t}\n",
		`\N`, `\.`, "\\\n\\", "\n\\.\n",
	}
	texts = slices.Repeat(texts, times)
	for _, text := range texts {
		r.says("ann", "", func(e *readmodel.EventRow) { e.Content, e.Facts = text, text })
	}
	p.commit(t)
	rows := read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.MessageRow, error) {
		return rd.MessagesAfter(ctx, r.key, 0, len(texts))
	})
	for i, text := range texts {
		if rows[i].Content != text || rows[i].Facts != text {
			t.Errorf("%.80s came back as content %.80s, facts %.80s", text, rows[i].Content, rows[i].Facts)
		}
	}
}
