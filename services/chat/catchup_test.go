package chat_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// replica is what a client keeps of its rooms: each event once, and what became of
// the messages.
type replica struct {
	t        *testing.T
	rooms    map[string]map[int]string // what each event is
	left     map[string]int            // the last event that took a room from bob
	messages map[string]string         // text by id
	ended    map[string]bool
}

func newReplica(t *testing.T) *replica {
	return &replica{t, map[string]map[int]string{}, map[string]int{}, map[string]string{}, map[string]bool{}}
}

// take adds an event, which may come again on a later connection. On one, what a
// room has comes in order.
func (r *replica) take(f chattest.Frame, last map[string]int) {
	var e struct {
		Seq        int
		Type, Room string
		ID         string `json:"event_id"`
		Data       struct {
			Text, Message, User, Membership string
		}
	}
	if err := json.Unmarshal([]byte(f.Data), &e); err != nil || e.Seq <= last[e.Room] {
		r.t.Errorf("%v: after %d comes %+v", err, last[e.Room], f)
	}
	last[e.Room] = e.Seq
	if r.rooms[e.Room] == nil {
		r.rooms[e.Room] = map[int]string{}
	}
	if _, again := r.rooms[e.Room][e.Seq]; again {
		return
	}
	r.rooms[e.Room][e.Seq] = e.ID + " " + e.Type
	switch e.Type {
	case "message.posted":
		r.messages[e.ID] = e.Data.Text
		if e.Data.Text == "end" {
			r.ended[e.Room] = true
		}
	case "message.edited":
		r.messages[e.Data.Message] = e.Data.Text
	case "message.redacted":
		r.messages[e.Data.Message] = ""
	case "member.changed":
		if e.Data.User == "bob" && e.Data.Membership != "join" {
			r.left[e.Room] = e.Seq
		}
	}
}

// readToEnd reads until all rooms have ended.
func (r *replica) readToEnd(s *chattest.Stream, last map[string]int, rooms []string) {
	r.t.Helper()
	for len(r.ended) < len(rooms) {
		f, ok := s.Next()
		if !ok {
			r.t.Fatal("the stream ended")
		}
		r.take(f, last)
	}
}

// crowd does random things in rooms. In the first half of them bob stays.
type crowd struct {
	rnd        *rand.Rand
	alice, bob *chattest.Client
	rooms      []string
	said       []string // paths of messages
}

func (c *crowd) act() {
	room := c.rooms[c.rnd.IntN(len(c.rooms))]
	path := "/v1/rooms/" + room
	switch n := c.rnd.IntN(12); {
	case n < 5 || len(c.said) == 0:
		by := c.alice
		if n == 0 {
			by = c.bob
		}
		a := by.Post(path+"/messages", fmt.Sprintf(`{"text":"%d"}`, c.rnd.IntN(1000)))
		if id, ok := a.Field("event_id").(string); ok {
			c.said = append(c.said, path+"/messages/"+id)
		}
	case n < 7:
		c.alice.Do(http.MethodPatch, c.any(), fmt.Sprintf(`{"text":"edited %d"}`, c.rnd.IntN(1000)))
	case n < 8:
		c.alice.Do(http.MethodDelete, c.any(), nil)
	case n < 9:
		c.alice.Put(c.any()+"/reactions/+1", nil)
	case n < 10:
		history := []string{"all", "joined", "invited"}[c.rnd.IntN(3)]
		c.alice.Do(http.MethodPatch, path, fmt.Sprintf(`{"settings":{"history":%q}}`, history))
	case room >= c.rooms[len(c.rooms)/2]:
		membership := []string{"leave", "join", "join"}[c.rnd.IntN(3)]
		c.bob.Put(path+"/members/bob", fmt.Sprintf(`{"membership":%q}`, membership))
	}
}

func (c *crowd) any() string { return c.said[c.rnd.IntN(len(c.said))] }

// A client that is cut off at random moments, and resumes from its last cursor or
// from any that it ever had, ends with what one has that never was cut off, and with
// what the read model shows. CUTS says how often, CUTS_SEED what is done meanwhile.
func TestCatchUpEqualsLive(t *testing.T) {
	cuts, seed := chattest.Number(t, "CUTS", 40), uint64(chattest.Number(t, "CUTS_SEED", int(rand.Uint32())))
	t.Logf("%d cuts, CUTS_SEED=%d", cuts, seed)
	w := chattest.Start(t)
	c := &crowd{rand.New(rand.NewPCG(seed, 0)), w.As("alice").Unchecked(), w.As("bob").Unchecked(), []string{"a", "b", "c", "d"}, nil}
	for _, r := range c.rooms {
		makeRoom(t, c.alice, r, `{"kind":"public","settings":{"history":"joined"}}`)
		c.said = append(c.said, "/v1/rooms/"+r+"/messages/"+sayIn(t, c.alice, r, "before bob"))
	}
	start := c.bob.Get(allPath).Is(http.StatusOK).Text("cursor")
	steady := c.bob.Follow(allPath+"?after="+start, false)
	for _, r := range c.rooms {
		becomes(t, c.bob, r, "bob", "join")
	}
	live, cut := newReplica(t), newReplica(t)
	given := []string{start}
	w.Drop(func(c timeline.Commit) bool { return len(c.Events) > 0 && c.Next%7 == 0 }) // the timeline loses some
	for range cuts {
		from := given[len(given)-1]
		if c.rnd.IntN(10) == 0 {
			from = given[c.rnd.IntN(len(given))]
		}
		s := c.bob.Follow(allPath, false, h("Last-Event-ID", from))
		done := make(chan struct{})
		go func() {
			defer close(done)
			last := map[string]int{}
			s.Each(func(f chattest.Frame) {
				if f.ID != "" {
					cut.take(f, last)
					given = append(given, f.ID)
				}
			})
		}()
		for range 1 + c.rnd.IntN(10) {
			c.act()
		}
		s.Close()
		<-done
	}
	w.Drop(nil)
	for _, r := range c.rooms {
		c.bob.Put("/v1/rooms/"+r+"/members/bob", `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
		sayIn(t, c.alice, r, "end")
	}
	live.readToEnd(steady, map[string]int{}, c.rooms)
	cut.readToEnd(c.bob.Follow(allPath, false, h("Last-Event-ID", given[len(given)-1])), map[string]int{}, c.rooms)
	for _, r := range c.rooms {
		sameEvents(t, r, live, cut)
	}
	for _, r := range c.rooms[:2] {
		sameMessages(t, c.bob, r, live)
		sameMessages(t, c.bob, r, cut)
	}
}

// sameEvents fails where one has what the other does not. What led up to bob's
// leaving, either may have come for when he was gone: who leaves reads nothing after.
func sameEvents(t *testing.T, room string, live, cut *replica) {
	t.Helper()
	left := live.left[room]
	for seq, e := range live.rooms[room] {
		if got, ok := cut.rooms[room][seq]; got != e && (ok || seq > left) {
			t.Errorf("%s/%d is %q, %q after cuts", room, seq, e, got)
		}
	}
	for seq, e := range cut.rooms[room] {
		if got, ok := live.rooms[room][seq]; got != e && (ok || seq > left) {
			t.Errorf("%s/%d is %q after cuts, %q live", room, seq, e, got)
		}
	}
}

func sameMessages(t *testing.T, by *chattest.Client, room string, r *replica) {
	t.Helper()
	for after := "0"; ; {
		var page struct {
			Items []struct{ ID, Text string }
			Next  *string
		}
		by.Get("/v1/rooms/" + room + "/messages?limit=200&after=" + after).Is(http.StatusOK).Into(&page)
		for _, m := range page.Items {
			if text, ok := r.messages[m.ID]; ok && text != m.Text {
				t.Errorf("message %s of %s is %q, a client has %q", m.ID, room, m.Text, text)
			}
		}
		if page.Next == nil {
			return
		}
		after = *page.Next
	}
}
