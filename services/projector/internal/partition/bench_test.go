package partition_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

// BenchmarkFold folds messages of 200 bytes across 100 rooms into SQLite, without a
// broker: what one takes of a processor.
func BenchmarkFold(b *testing.B) {
	for _, c := range []struct{ batch, senders, messages int }{{5000, 1, 100_000}, {5000, 256, 100_000}, {50, 1, 10_000}, {1, 1, 10_000}} {
		b.Run(fmt.Sprintf("batch=%d/senders=%d", c.batch, c.senders), func(b *testing.B) {
			l := newLog()
			enter(b, l, c.senders)
			entered := l.end()
			post(b, l, c.senders, c.messages)
			b.ReportAllocs()
			var took time.Duration
			for b.Loop() {
				b.StopTimer()
				s, err := sqlite.Open(b.Context(), sqlite.Config{Dir: b.TempDir(), Version: 1})
				if err != nil {
					b.Fatal(err)
				}
				cfg := config(s)
				cfg.MaxBatch, cfg.RoomCache = c.batch, 10_000
				o, err := partition.NewOwner(cfg, &memoryReader{memoryLog: l, rng: rand.New(full{})})
				if err != nil {
					b.Fatal(err)
				}
				if err := o.CatchUp(b.Context(), entered, 0); err != nil {
					b.Fatal(err)
				}
				before := processor(b)
				b.StartTimer()
				if err := o.CatchUp(b.Context(), l.end(), 0); err != nil {
					b.Fatal(err)
				}
				took += processor(b) - before
				_ = s.Close()
			}
			b.ReportMetric(float64(took.Nanoseconds())/1000/float64(b.N*c.messages), "cpu-µs/event")
		})
	}
}

const benchmarkRooms = 100

// enter makes the rooms and has all senders join them.
func enter(b *testing.B, l *memoryLog, senders int) {
	for r := range benchmarkRooms {
		add(b, l, r, events.RoomCreated{Command: by(0), Kind: events.RoomPublic, Rules: room.Rules}, `{"name":"x"}`)
		for u := 1; u < senders; u++ {
			add(b, l, r, events.MemberChanged{Command: by(u), Target: by(u).Sender, Membership: events.MembershipJoin}, `{}`)
		}
	}
}

func post(b *testing.B, l *memoryLog, senders, messages int) {
	rng := rand.New(rand.NewPCG(1, 1))
	text := `{"text":"` + strings.Repeat("0123456789", 20) + `"}`
	for range messages {
		f := events.MessagePosted{Command: by(rng.IntN(senders)), Kind: "text", TextBytes: 200}
		add(b, l, rng.IntN(benchmarkRooms), f, text)
	}
}

func by(u int) events.Command {
	return events.Command{Sender: events.UserID(fmt.Sprintf("user-%d", u))}
}

// add appends an event, long ago, with an id that is higher than those before.
func add(b *testing.B, l *memoryLog, r int, f events.Facts, content string) {
	n := len(l.records)
	at := time.UnixMilli(1_700_000_000_000 + int64(n/10)).UTC()
	m, err := events.Encode(&events.Event{
		ID: events.EventID(fmt.Sprintf("%036d", n)), Type: f.EventType(), Tenant: "main", Room: events.RoomID(fmt.Sprintf("room-%d", r)),
		Time: at, Expires: at.Add(30 * time.Second), Facts: f, Content: json.RawMessage(content),
	})
	if err != nil {
		b.Fatal(err)
	}
	l.append(roomtest.Record{Message: m, LogTime: at})
}

func processor(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
