package storetest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// testBetween reads messages, some of them in threads, of a room in which more and more
// comes between them: each page is what a look at all of the room's events finds.
func testBetween(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby")
	var messages []events.Seq
	for _, between := range []int{1, 0, 0, 5, 70, 0, 33, 150, 1, 0, 40} {
		for range between {
			r.becomes(user(int(r.Seq)), events.MembershipJoin)
		}
		if messages = append(messages, r.Seq+1); len(messages)%3 == 0 {
			r.replies("ann", messages[0])
		} else {
			r.says("ann", "a message", nil)
		}
		p.commit(t)
	}
	for range 30 {
		r.becomes(user(int(r.Seq)), events.MembershipLeave)
	}
	p.room(inMain("other")).created("ann", events.RoomPublic, "Other").says("ann", "elsewhere", nil)
	p.commit(t)

	// Some are past what SQLite has place for in a room: where others have theirs.
	places := []events.Seq{-1, 0, 1, r.Seq, r.Seq + 1, 1 << 32, 1<<32 + 5, 1<<33 + 5, math.MaxInt64}
	for _, m := range messages {
		places = append(places, m-1, m, m+1)
	}
	for _, limit := range []int{1, 2, 4, 50} {
		for _, at := range places {
			below := slices.DeleteFunc(slices.Clone(messages), func(m events.Seq) bool { return m >= at })
			above := slices.DeleteFunc(slices.Clone(messages), func(m events.Seq) bool { return m <= at })
			want := [][]events.Seq{below[max(0, len(below)-limit):], above[:min(limit, len(above))], above[:min(limit, len(above))]}
			got := read(t, s, func(ctx context.Context, rd readmodel.Reader) ([][]events.Seq, error) {
				before, err := seqsOf(rd.MessagesBefore(ctx, r.key, at, limit))
				if err != nil {
					return nil, err
				}
				after, err := seqsOf(rd.MessagesAfter(ctx, r.key, at, limit))
				if err != nil {
					return nil, err
				}
				among, err := eventSeqs(rd.Events(ctx, r.key, at, []events.Type{events.TypeMessagePosted}, limit))
				if err != nil || at < r.Seq {
					return [][]events.Seq{before, after, among}, err
				}
				past, err := eventSeqs(rd.Events(ctx, r.key, at, nil, limit))
				return [][]events.Seq{before, after, append(among, past...)}, err
			})
			equal(t, fmt.Sprintf("%d messages before, after and among the events after %d", limit, at), got, want)
		}
	}
	from := func(types ...events.Type) []readmodel.EventRow {
		return read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.EventRow, error) {
			return rd.Events(ctx, r.key, 2, types, 200)
		})
	}
	equal(t, "messages and members", from(events.TypeMessagePosted, events.TypeMemberChanged), from())
}

func eventSeqs(rows []readmodel.EventRow, err error) ([]events.Seq, error) {
	seqs := []events.Seq{}
	for _, e := range rows {
		seqs = append(seqs, e.Seq)
	}
	return seqs, err
}

// testSentAt reads the first message of a time: what was imported stands in the order
// in which it came, and may be older than 1970.
func testSentAt(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby").becomes("bob", events.MembershipJoin)
	p.commit(t)
	at := func(want maybe[events.Seq], ms ...int64) {
		t.Helper()
		for _, ms := range ms {
			equal(t, fmt.Sprintf("first message of %d", ms), read(t, s, func(ctx context.Context, rd readmodel.Reader) (maybe[events.Seq], error) {
				return find(rd.MessageAt(ctx, r.key, ms))
			}), want)
		}
	}
	none := maybe[events.Seq]{}
	at(none, math.MinInt64, 0, math.MaxInt64)
	say := func(ms int64) { r.says("ann", "a message", func(e *readmodel.EventRow) { e.SentAt = ms }) }
	say(-500)                               // 3
	r.becomes("bob", events.MembershipJoin) // 4
	say(-900)                               // 5
	p.commit(t)
	at(there(events.Seq(3)), math.MinInt64, -900, -500)
	at(none, -499, 0)
	say(1000)                                // 6
	say(200)                                 // 7
	say(1000)                                // 8
	r.becomes("bob", events.MembershipLeave) // 9
	say(3000)                                // 10, from a clock ahead
	say(2000)                                // 11
	p.commit(t)
	at(there(events.Seq(3)), math.MinInt64, -501, -500)
	at(there(events.Seq(6)), -499, 0, 200, 1000)
	at(there(events.Seq(10)), 1001, 2000, 3000)
	at(none, 3001, math.MaxInt64)
}
