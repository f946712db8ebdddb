package scale_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

const tenant = events.Tenant("main")

// history is rooms, as many in each partition, and what is said in them.
type history struct {
	rooms  []events.RoomID
	people int // of each room
	now    time.Time
	rng    *rand.Rand
	said   int
	// inOrder has ids begin with the time, as those that the API makes do where a
	// client sends no key. Otherwise they are in no order, as clients' keys make them.
	inOrder bool
}

func newHistory(perPartition, people int) *history {
	h := &history{people: people, now: time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC), rng: rand.New(rand.NewPCG(1, 2))}
	filled := map[events.Partition]int{}
	for i := 0; len(h.rooms) < perPartition*partitions; i++ {
		r := events.RoomID(fmt.Sprint("room-", i))
		if p := eventlog.PartitionOf(events.Key(tenant, r), partitions); filled[p] < perPartition {
			filled[p]++
			h.rooms = append(h.rooms, r)
		}
	}
	return h
}

func person(n int) events.UserID { return events.UserID(fmt.Sprint("person-", n)) }

// beginning makes the rooms and lets their people join.
func (h *history) beginning() iter.Seq[*events.Event] {
	return func(yield func(*events.Event) bool) {
		for _, r := range h.rooms {
			for i := range h.people {
				by := events.Command{Sender: person(i)}
				var f events.Facts = events.MemberChanged{Command: by, Target: person(i), Membership: events.MembershipJoin}
				if i == 0 {
					f = events.RoomCreated{Command: by, Kind: events.RoomPublic, Rules: 1}
				}
				if !yield(h.event(r, f, nil)) {
					return
				}
			}
		}
	}
}

// messages are said in all rooms alike.
func (h *history) messages(n int) iter.Seq[*events.Event] {
	text := strings.Repeat("eighty characters of text ", 3)
	content := json.RawMessage(`{"text":` + strconv.Quote(text) + `}`)
	return func(yield func(*events.Event) bool) {
		for i := range n {
			f := events.MessagePosted{
				Command: events.Command{Sender: person(h.rng.IntN(h.people)), Digest: "bm90IGEgcmVhbCBkaWdlc3Q"},
				Kind:    "text", TextBytes: len(text),
			}
			if !yield(h.event(h.rooms[i%len(h.rooms)], f, content)) {
				return
			}
		}
	}
}

func (h *history) event(r events.RoomID, f events.Facts, content json.RawMessage) *events.Event {
	h.said++
	h.now = h.now.Add(time.Millisecond)
	id := events.IdempotentID(tenant, r, f.By().Sender, strconv.Itoa(h.said))
	if h.inOrder {
		ms := fmt.Sprintf("%012x", h.now.UnixMilli())
		id = events.EventID(ms[:8]+"-"+ms[8:]+"-7") + id[15:]
	}
	return &events.Event{
		ID:   id,
		Type: f.EventType(), Tenant: tenant, Room: r, Time: h.now, Facts: f, Content: content,
	}
}
