package chat_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/clients/go/sse"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

const eventsPath = "/v1/rooms/lobby/events"

func say(t *testing.T, c *chattest.Client, n int) (last chattest.Answer) {
	t.Helper()
	for range n {
		last = c.Post(messages, `{"text":"a"}`).Is(http.StatusAccepted)
	}
	return last
}

func are(t *testing.T, got []string, from int) {
	t.Helper()
	for i, id := range got {
		if id != fmt.Sprint(from+i) {
			t.Fatalf("ids %v, want them dense from %d", got, from)
		}
	}
}

func TestStreamReplaysFollowsResumes(t *testing.T) {
	_, alice := lobby(t)
	sent := say(t, alice, 3)
	s := alice.Follow(eventsPath, false, chattest.At(sent.Position()))
	if s.Header.Get("Content-Type") != "text/event-stream" || s.Header.Get("Roomlog-Position") == "" || s.Header.Get("X-Request-Id") == "" {
		t.Errorf("headers %v", s.Header)
	}
	are(t, s.IDs(4), 1)
	say(t, alice, 3)
	are(t, s.IDs(3), 5)
	s.Close()
	say(t, alice, 2)

	resumed := alice.Follow(eventsPath+"?after=1", false, h("Last-Event-ID", "6")) // overrides after
	are(t, resumed.IDs(3), 7)
	after := alice.Follow(eventsPath+"?after=8", false)
	f, _ := after.Next()
	var item struct {
		Seq  int
		Type string
		Room string
		Data struct{ Text string }
	}
	if err := json.Unmarshal([]byte(f.Data), &item); err != nil || f.ID != "9" || f.Event != item.Type || item.Seq != 9 || item.Data.Text != "a" {
		t.Errorf("%v: frame %+v", err, f)
	}
	// the same item as in a page
	raw := alice.Get(eventsPath + "?after=8&limit=1").Body
	if !strings.Contains(string(raw), f.Data) {
		t.Errorf("the stream has %s, the page %s", f.Data, raw)
	}
}

func TestStreamOfTypes(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	s := bob.Follow(eventsPath+"?types=message.posted", false)
	say(t, alice, 1)
	alice.Put("/v1/rooms/lobby/members/carol", `{"membership":"invite"}`).Is(http.StatusAccepted)
	say(t, alice, 1)
	if ids := s.IDs(2); ids[0] != "3" || ids[1] != "5" {
		t.Errorf("ids %v", ids)
	}
	alice.Put("/v1/rooms/lobby/members/bob", `{"membership":"leave"}`).Is(http.StatusAccepted)
	say(t, alice, 1)
	if f, _ := s.Next(); f.ID != "6" || f.Event != "member.changed" {
		t.Errorf("%+v, want one's own kick", f)
	}
	if code, cursor := s.End(); code != "not_a_member" || cursor != 6 {
		t.Errorf("end %s at %d", code, cursor)
	}
}

// The timeline loses commits, or says nothing at all: streams miss nothing.
func TestStreamWithoutTimeline(t *testing.T) {
	w, alice := lobby(t)
	s := alice.Follow(eventsPath, false)
	are(t, s.IDs(1), 1)
	n := 0
	w.Drop(func(c timeline.Commit) bool { n++; return len(c.Events) > 0 && n%2 == 0 })
	say(t, alice, 20)
	are(t, s.IDs(20), 2)
	w.Drop(func(c timeline.Commit) bool { return len(c.Events) > 0 }) // beacons only
	say(t, alice, 3)
	are(t, s.IDs(3), 22)
	w.Drop(func(timeline.Commit) bool { return true })
	sent := say(t, alice, 3)
	alice.Get(messages, chattest.At(sent.Position())).Is(http.StatusOK) // by the checkpoints
	are(t, s.IDs(3), 25)
	w.Drop(nil)
	say(t, alice, 1)
	are(t, s.IDs(1), 28)
}

// Who does not read what comes live holds nobody up, is told so as soon as they
// read, and gets everything all the same: once, and in order.
func TestSlowStream(t *testing.T) {
	const more = 200                                                                 // than a queue holds
	w, alice := lobby(t, func(c *chat.Config) { c.StreamTimeout = 5 * time.Minute }) // slow, not stuck
	conn, in := wire(t, w, "HTTP/1.1", "")
	if err := conn.(*net.TCPConn).SetReadBuffer(1 << 20); err != nil { // or the system takes most of the flood
		t.Fatal(err)
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	slow, stop := iter.Pull2(sse.Read(res.Body))
	defer stop()
	all, got := make(chan []string, 1), 0
	quick := alice.Follow(eventsPath, false)
	go func() {
		var ids []string
		quick.Each(func(f chattest.Frame) {
			if f.ID == "" {
				return
			}
			if ids = append(ids, f.ID); len(ids) == flooded+1+more {
				quick.Close()
			}
		})
		all <- ids
	}()
	var f sse.Frame
	for ; f.Event != "end"; f, err, _ = slow() {
		if err != nil {
			t.Fatalf("after %d events: %v", got, err)
		}
		if f.ID == "" {
			continue
		}
		if got++; f.ID != fmt.Sprint(got) {
			t.Fatalf("event %d is %+v", got, f)
		}
		if got == 1 { // the stream is live
			flood(alice) // holds it up
			say(t, alice, more)
			ids := <-all
			if are(t, ids, 1); len(ids) != flooded+1+more {
				t.Fatalf("who reads has %d events", len(ids))
			}
			<-time.After(1500 * time.Millisecond) // more than a live write may be held up
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		}
	}
	if want := fmt.Sprintf(`{"code":"slow_consumer","cursor":%d}`, got); f.Data != want || got > flooded {
		t.Fatalf("after %d events: %s", got, f.Data)
	}
	are(t, alice.Follow(eventsPath, false, h("Last-Event-ID", fmt.Sprint(got))).IDs(flooded+1+more-got), got+1)
	if !counted(t, w, "roomlog_streams_ended_total", "slow_consumer") {
		t.Error("it is not counted")
	}
}

// Who never reads is cut off.
func TestStuckStream(t *testing.T) {
	w, alice := lobby(t, func(c *chat.Config) { c.StreamTimeout = 300 * time.Millisecond })
	stuck := alice.Follow(eventsPath, true)
	flood(alice)
	until(t, func() bool { return w.Followers() == 0 })
	stuck.Close()
}

// flooded is how many messages of flood are more than sockets and buffers hold.
const flooded = 1000

func flood(c *chattest.Client) {
	body := `{"text":"` + strings.Repeat("x", 16<<10) + `"}`
	plain := c.Unchecked()
	for range flooded {
		plain.Post(messages, body).Is(http.StatusAccepted)
	}
}

func TestStreamEndsWithTheServer(t *testing.T) {
	w, alice := lobby(t)
	s := alice.Follow(eventsPath, false)
	are(t, s.IDs(1), 1)
	poll := make(chan chattest.Answer, 1)
	go func() { poll <- alice.Get(eventsPath + "?after=1&wait=30") }()
	until(t, func() bool { return w.Followers() == 2 })
	go w.Stop()
	if code, cursor := s.End(); code != "server_shutdown" || cursor != 1 {
		t.Errorf("end %s at %d", code, cursor)
	}
	(<-poll).Is(http.StatusOK)
}

func TestTooManyStreams(t *testing.T) {
	w, alice := lobby(t, func(c *chat.Config) { c.MaxStreams = 2 })
	bob := join(t, w, "bob")
	first := alice.Follow(eventsPath, false)
	alice.Follow(eventsPath, false)
	sse := h("Accept", "text/event-stream")
	alice.Get(eventsPath, sse).Problem(http.StatusTooManyRequests, "too_many_streams")
	alice.Get(eventsPath+"?wait=1").Problem(http.StatusTooManyRequests, "too_many_streams")
	bob.Follow(eventsPath, false)
	first.Close()
	until(t, func() bool { return w.Followers() == 2 })
	alice.Follow(eventsPath, false)
}

// A room's history from before one's ban and return is part of the stream, one's
// old leave ends nothing.
func TestStreamOfOneWhoReturned(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	for _, m := range []string{"leave", "join"} {
		bob.Put("/v1/rooms/lobby/members/bob", `{"membership":"`+m+`"}`, chattest.Wait).Is(http.StatusOK)
	}
	s := bob.Follow(eventsPath, false)
	are(t, s.IDs(4), 1)
	say(t, alice, 1)
	are(t, s.IDs(1), 5)
	bob.Put("/v1/rooms/lobby/members/bob", `{"membership":"leave"}`, chattest.Wait).Is(http.StatusOK)
	are(t, s.IDs(1), 6)
	if code, _ := s.End(); code != "not_a_member" {
		t.Errorf("end %s", code)
	}
}

// Who asks for what comes after the room's head learns nothing that way once the
// room is taken away.
func TestStreamFromAboveTheHeadEndsWithMembership(t *testing.T) {
	for _, from := range []int{4, 5, 1 << 40} { // the head is 3
		t.Run(fmt.Sprint(from), func(t *testing.T) {
			w := chattest.Start(t)
			alice, bob := w.As("alice"), w.As("bob")
			const den, member = "/v1/rooms/den", "/v1/rooms/den/members/bob"
			alice.Put(den, `{"kind":"private"}`, chattest.Wait).Is(http.StatusCreated)
			alice.Put(member, `{"membership":"invite"}`, chattest.Wait).Is(http.StatusOK)
			bob.Put(member, `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
			s := bob.Follow(den+"/events?after="+fmt.Sprint(from), false)
			alice.Put(member, `{"membership":"leave"}`, chattest.Wait).Is(http.StatusOK)
			for range 5 {
				alice.Post(den+"/messages", `{"text":"secret"}`, chattest.Wait).Is(http.StatusCreated)
			}
			if ids := s.IDs(1); ids[0] != "4" {
				t.Errorf("event %v, want one's own kick", ids)
			}
			if code, _ := s.End(); code != "not_a_member" {
				t.Errorf("end %s", code)
			}
		})
	}
}
