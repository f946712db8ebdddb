package streams_test

import (
	"slices"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

const (
	// size of a message of a flood, and how many they are: more than a socket and a
	// queue hold.
	size  = 8 << 10
	flood = 1000
)

// streams are the two kinds of them.
var streams = []struct {
	name string
	path func(room events.RoomID, after int) string
}{
	{"room", roomStream},
	{"person", func(events.RoomID, int) string { return personStream }},
}

// BenchmarkIdle opens streams, one for each person, of rooms and of all that is a
// person's, and looks at the server's memory. The rooms are as large as rooms are of
// which nobody is told who comes: presence is not what is measured.
func BenchmarkIdle(b *testing.B) {
	n := proc.Number(b, "STREAMS_IDLE", 10_000)
	rooms := []events.RoomID{"one", "two"}
	s := start(b, n)
	for _, room := range rooms {
		s.room(b, room, n/len(rooms))
	}
	for _, kind := range streams {
		b.Run(kind.name, func(b *testing.B) {
			for b.Loop() {
				_, before := s.memory(b)
				var open []*stream
				for _, room := range rooms {
					open = append(open, s.openAll(b, room, n/len(rooms), kind.path(room, s.seq(b, room)))...)
				}
				garbage, after := s.memory(b)
				s.profile(b, kind.name)
				each := func(bytes float64) float64 { return bytes / float64(len(open)) }
				b.ReportMetric(each(after.used()-before.used()), "B/stream")
				b.ReportMetric(each(after.heap-before.heap), "B-heap/stream")
				b.ReportMetric(each(after.stack-before.stack), "B-stack/stream")
				b.ReportMetric(each(garbage.used()-before.used()), "B-with-garbage/stream")
				b.ReportMetric(each(garbage.resident-before.resident), "B-resident/stream")
				closeAll(open)
				s.awaitNoStreams(b)
			}
		})
	}
}

// BenchmarkFanOut sends messages to a room with many followers: the time from the
// request until the last of them has it.
func BenchmarkFanOut(b *testing.B) {
	n, messages := proc.Number(b, "STREAMS_FOLLOWERS", 5000), proc.Number(b, "STREAMS_MESSAGES", 50)
	s := start(b, n)
	const room = "crowded"
	s.room(b, room, n)
	for _, kind := range streams {
		b.Run(kind.name, func(b *testing.B) {
			for b.Loop() {
				a := listen(b, s.openAll(b, room, n, kind.path(room, s.seq(b, room))))
				first, last := s.talk(b, a, room, messages)
				a.leave()
				s.awaitNoStreams(b)
				b.ReportMetric(median(first), "ms-first")
				b.ReportMetric(median(last), "ms-last")
				b.ReportMetric(last[len(last)-1], "ms-last-worst")
			}
		})
	}
}

// BenchmarkStalled has some followers stop reading, until their sockets and queues
// are full, and compares how soon the others have a message with how soon they had
// it before; and what the server uses for each.
func BenchmarkStalled(b *testing.B) {
	const (
		room           = "stalled"
		readers, stuck = 200, 100
	)
	messages := proc.Number(b, "STREAMS_MESSAGES", 50)
	s := start(b, readers+stuck)
	s.room(b, room, readers+stuck)
	for b.Loop() {
		after := s.seq(b, room)
		a := listen(b, s.openAll(b, room, readers, roomStream(room, after)))
		_, alone := s.talk(b, a, room, messages)
		s.grows(b, a, room) // what only the first one takes
		without := s.grows(b, a, room)
		_, before := s.memory(b)
		stalled := s.openAll(b, room, stuck, roomStream(room, s.seq(b, room)))
		_, idle := s.memory(b)
		with := s.grows(b, a, room)
		_, beside := s.talk(b, a, room, messages)
		b.ReportMetric(median(alone), "ms-last-alone")
		b.ReportMetric(median(beside), "ms-last-beside")
		b.ReportMetric(median(beside)/median(alone), "beside:alone")
		b.ReportMetric((idle.used()-before.used()+with-without)/stuck, "B/stalled")
		a.leave()
		closeAll(stalled)
		s.awaitNoStreams(b)
	}
}

// grows is by how much the server's memory grows with a flood that those who read
// have got.
func (s *site) grows(t testing.TB, a *audience, room events.RoomID) float64 {
	t.Helper()
	_, before := s.memory(t)
	s.flood(t, room, flood, size)
	s.talk(t, a, room, 1)
	_, after := s.memory(t)
	return after.used() - before.used()
}

// talk sends messages, one when all have the one before, and gives the times until
// the first and the last follower had each, in milliseconds, ascending.
func (s *site) talk(t testing.TB, a *audience, room events.RoomID, messages int) (first, last []float64) {
	t.Helper()
	for range messages {
		f, l := a.hear(func(text string) { s.say(t, room, text) })
		first, last = append(first, milliseconds(f)), append(last, milliseconds(l))
	}
	slices.Sort(first)
	slices.Sort(last)
	return first, last
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(sorted []float64) float64 { return sorted[len(sorted)/2] }
