package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Benchmark measures Fold with batches of messages as a projector writes them:
// headers in the caller's hands, senders and event ids to be read, the senders'
// marks moved, rooms and senders spread over the batch.
func Benchmark(b *testing.B, open Open) {
	for _, size := range []int{1, 50, 500} {
		b.Run(fmt.Sprintf("Fold/batch=%d", size), func(b *testing.B) { benchmarkFold(b, open, size) })
	}
	b.Run("MessagesBefore/page=50", func(b *testing.B) { benchmarkPage(b, open) })
	b.Run("Between", func(b *testing.B) { benchmarkBetween(b, open) })
	b.Run("RoomsOf", func(b *testing.B) { benchmarkRoomsOf(b, open) })
}

const benchmarkRooms, benchmarkUsers = 20, 50

func user(n int) events.UserID { return events.UserID(fmt.Sprintf("user-%d", n%benchmarkUsers)) }

func benchmarkRoom(n int) readmodel.Key {
	return inMain(events.RoomID(fmt.Sprintf("room-%d", n%benchmarkRooms)))
}

func populated(b *testing.B, open Open) *projector {
	p := claimed(b, open(b, nil), 0)
	for n := range benchmarkRooms {
		r := p.room(benchmarkRoom(n)).created(user(0), events.RoomPublic, "Room")
		for u := 1; u < benchmarkUsers; u++ {
			r.becomes(user(u), events.MembershipJoin)
		}
	}
	p.commit(b)
	return p
}

func benchmarkFold(b *testing.B, open Open, size int) {
	p := populated(b, open)
	text := strings.Repeat("eighty characters of text ", 3)
	n := 0
	b.ResetTimer()
	for b.Loop() {
		needs := readmodel.Needs{}
		senders := map[readmodel.Key]map[events.UserID]bool{}
		for range size {
			k, sender := benchmarkRoom(n), user(n/7)
			n++
			r := p.room(k).says(sender, text, nil)
			r.member(sender, func(m *room.Member) { m.Read, m.Delivered, m.LastPost = r.Seq, r.Seq, r.LogTime })
			of := needs[k]
			if of == nil {
				of = &readmodel.RoomNeeds{}
				needs[k], senders[k] = of, map[events.UserID]bool{}
			}
			of.Priors = append(of.Priors, p.batch.Events[len(p.batch.Events)-1].ID)
			if !senders[k][sender] {
				senders[k][sender] = true
				of.Members = append(of.Members, sender)
			}
		}
		if _, err := p.fold(b.Context(), needs, p.take()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

func benchmarkPage(b *testing.B, open Open) {
	const messages = 5000
	p := populated(b, open)
	k := benchmarkRoom(0)
	for range messages {
		p.room(k).says(user(0), "a message", nil)
	}
	p.commit(b)
	last := p.room(k).Seq
	n := 0
	b.ResetTimer()
	for b.Loop() {
		n++
		rows := read(b, p.store, func(ctx context.Context, r readmodel.Reader) ([]readmodel.MessageRow, error) {
			return r.MessagesBefore(ctx, k, last-events.Seq(n%(messages-100)), 50)
		})
		if len(rows) != 50 {
			b.Fatal(len(rows), "messages")
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "pages/s")
}

// benchmarkBetween reads pages of 50 messages: a hundred joins come before every fifth
// message, and 100,000 before one.
func benchmarkBetween(b *testing.B, open Open) {
	const joins, messages, page = 100_000, 100, 50
	p := claimed(b, open(b, nil), 0)
	r := p.room(inMain(lobby)).created(user(0), events.RoomPublic, "Lobby")
	join := func(n int) {
		for range n {
			r.becomes(user(int(r.Seq)), events.MembershipJoin)
			if r.Seq%1000 == 0 {
				p.commit(b)
			}
		}
	}
	middle := events.Seq(0)
	for n := range messages {
		if n == messages/2 {
			join(joins)
			middle = r.Seq
		} else if n%5 == 0 {
			join(100)
		}
		r.says(user(0), "a message", nil)
	}
	p.commit(b)
	for _, run := range []struct {
		name string
		read func(context.Context, readmodel.Reader) (int, error)
		want int
	}{
		{"MessagesBefore", func(ctx context.Context, rd readmodel.Reader) (int, error) {
			rows, err := rd.MessagesBefore(ctx, r.key, middle, page)
			return len(rows), err
		}, page},
		{"MessagesAfter", func(ctx context.Context, rd readmodel.Reader) (int, error) {
			rows, err := rd.MessagesAfter(ctx, r.key, middle-joins+1, page)
			return len(rows), err
		}, page},
		{"Events", func(ctx context.Context, rd readmodel.Reader) (int, error) {
			rows, err := rd.Events(ctx, r.key, middle-joins+1, []events.Type{events.TypeMessagePosted}, page)
			return len(rows), err
		}, page},
		{"MessageAt", func(ctx context.Context, rd readmodel.Reader) (int, error) {
			seq, _, err := rd.MessageAt(ctx, r.key, r.LogTime-joins*1000)
			return min(int(seq), 1), err
		}, 1},
	} {
		b.Run(run.name, func(b *testing.B) {
			for b.Loop() {
				if got := read(b, p.store, run.read); got != run.want {
					b.Fatal(got, "rows")
				}
			}
		})
	}
}

// benchmarkRoomsOf reads the first page of the rooms of people who have few and many
// of them, a few messages unread in each: what it costs beside that of who has 50. In
// the end there are the rooms of others, in which something happened later.
func benchmarkRoomsOf(b *testing.B, open Open) {
	const rooms, batch = 5000, 100
	p := claimed(b, open(b, nil), 0)
	fill := func(from, to int, join bool) {
		for n := from; n < to; n++ {
			r := p.room(inMain(events.RoomID(fmt.Sprintf("room-%d", n)))).created(user(1), events.RoomPublic, "Room")
			for _, has := range []int{50, 500, rooms} {
				if join && n%(rooms/has) == 0 {
					r.becomes(hasRooms(has), events.MembershipJoin)
				}
			}
			for range 3 {
				r.says(user(1), "a message", nil)
			}
			if n%batch == batch-1 {
				p.commit(b)
			}
		}
	}
	var base time.Duration
	page := func(name string, u events.UserID) {
		b.Run(name, func(b *testing.B) {
			fastest := time.Hour
			for b.Loop() {
				began := time.Now()
				page := read(b, p.store, func(ctx context.Context, r readmodel.Reader) ([]readmodel.UserRoom, error) {
					return r.RoomsOf(ctx, "main", u, false, readmodel.RoomCursor{}, 50)
				})
				fastest = min(fastest, time.Since(began))
				if len(page) != 50 || page[0].Unread != 3 {
					b.Fatal(len(page), "rooms, unread", page[0].Unread)
				}
			}
			if base == 0 {
				base = fastest
			}
			b.ReportMetric(float64(fastest.Microseconds()), "µs/fastest")
			b.ReportMetric(float64(fastest)/float64(base), "x")
		})
	}
	fill(0, rooms, true)
	for _, has := range []int{50, 500, rooms} {
		page(fmt.Sprintf("rooms=%d", has), hasRooms(has))
	}
	fill(rooms, rooms+2000, false)
	page(fmt.Sprintf("rooms=%d/behind", rooms), hasRooms(rooms))
}

func hasRooms(n int) events.UserID { return events.UserID(fmt.Sprintf("has-%d", n)) }
