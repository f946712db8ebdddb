package chat_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// BenchmarkLargeRoom measures what is done in rooms of 10, 1,000 and 100,000 members,
// all of whom are there, beside what the same costs among 10: the fastest of each. A
// command is waited for, so it has its fold in it.
func BenchmarkLargeRoom(b *testing.B) {
	base := map[string]time.Duration{}
	for _, members := range []int{10, 1000, 100_000} {
		r := makeLargeRoom(b, members)
		for _, op := range largeRoomOperations {
			b.Run(fmt.Sprintf("%s/members=%d", op.name, members), func(b *testing.B) {
				fastest := time.Hour
				for b.Loop() {
					r.n++
					began := time.Now()
					op.do(r)
					fastest = min(fastest, time.Since(began))
				}
				if base[op.name] == 0 {
					base[op.name] = fastest
				}
				b.ReportMetric(float64(fastest.Microseconds()), "µs/fastest")
				b.ReportMetric(float64(fastest)/float64(base[op.name]), "x")
			})
		}
		r.Stop()
	}
}

// largeRoom is a lobby with members user-000000 and on.
type largeRoom struct {
	*chattest.World
	alice, user *chattest.Client // its owner, and the one in the middle
	n           int
}

func makeLargeRoom(b *testing.B, members int) *largeRoom {
	const most = 1 << 30
	w, alice := lobby(b, func(c *chat.Config) {
		c.Rate, c.Burst, c.ReadRate, c.ReadBurst, c.RoomRate, c.RoomBurst = most, most, most, most, most, most
	})
	users := make([]string, members)
	for i := range users {
		users[i] = fmt.Sprintf("user-%06d", i)
	}
	w.Fill("lobby", users...)
	for some := range slices.Chunk(users, 1000) {
		w.Arrive(some...)
	}
	r := &largeRoom{World: w, alice: alice.Unchecked(), user: w.As(users[members/2]).Unchecked()}
	last := "/v1/rooms/lobby/presence?limit=1&after=" + users[members-2]
	for found := false; !found; {
		var page struct{ Items []struct{ User string } }
		r.alice.Get(last).Is(http.StatusOK).Into(&page)
		found = len(page.Items) > 0
	}
	return r
}

func (r *largeRoom) says(body string) chattest.Answer {
	return r.alice.Post(messages, body, chattest.Wait).Is(http.StatusCreated)
}

var largeRoomOperations = []struct {
	name string
	do   func(*largeRoom)
}{
	{"post", func(r *largeRoom) { r.says(`{"text":"hello"}`) }},
	{"mention of the room", func(r *largeRoom) { r.says(`{"text":"hello","mentions_room":true}`) }},
	{"redaction", func(r *largeRoom) {
		id := r.says(`{"text":"hello"}`).Text("id")
		r.alice.Delete(messages+"/"+id, chattest.Wait).Is(http.StatusOK)
	}},
	{"read mark", func(r *largeRoom) {
		r.user.Put(lobbyPath+"/read", fmt.Sprintf(`{"seq":%d}`, r.n), chattest.Wait).Is(http.StatusOK)
	}},
	{"join", func(r *largeRoom) {
		u := fmt.Sprintf("new-%d", r.n)
		r.As(u).Unchecked().Put(lobbyPath+"/members/"+u, `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
	}},
	{"ban", func(r *largeRoom) {
		r.alice.Put(lobbyPath+"/members/"+fmt.Sprintf("new-%d", r.n), `{"membership":"ban"}`, chattest.Wait).Is(http.StatusOK)
	}},
	{"members", func(r *largeRoom) { r.user.Get(lobbyPath + "/members?limit=10").Is(http.StatusOK) }},
	{"messages", func(r *largeRoom) { r.user.Get(messages + "?limit=10").Is(http.StatusOK) }},
	{"rooms", func(r *largeRoom) { r.user.Get("/v1/rooms").Is(http.StatusOK) }},
	{"presence", func(r *largeRoom) { r.user.Get(lobbyPath + "/presence?limit=10").Is(http.StatusOK) }},
	{"stream of the room", func(r *largeRoom) { r.user.Follow(eventsPath+"?after=1", true).Close() }},
	{"stream of all rooms", func(r *largeRoom) { r.user.Follow(allPath, true).Close() }},
	{"mention of who is here", func(r *largeRoom) { r.says(toThoseHere) }},
}
