package chat_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

const allPath = "/v1/events"

// place is an event as tests name it: the room and the seq.
func place(t *testing.T, f chattest.Frame) string {
	t.Helper()
	var item struct {
		Room string
		Seq  int
		Type string
	}
	if err := json.Unmarshal([]byte(f.Data), &item); err != nil || item.Type != f.Event {
		t.Fatalf("%v: %+v", err, f)
	}
	return fmt.Sprintf("%s/%d", item.Room, item.Seq)
}

// comes reads the next events of a stream and gives the last one's cursor.
func comes(t *testing.T, s *chattest.Stream, want ...string) (cursor string) {
	t.Helper()
	for _, w := range want {
		f, ok := s.Next()
		if !ok {
			t.Fatalf("the stream ended before %s", w)
		}
		if got := place(t, f); got != w || f.ID == "" {
			t.Fatalf("got %s, want %s: %+v", got, w, f)
		}
		cursor = f.ID
	}
	return cursor
}

func makeRoom(t *testing.T, by *chattest.Client, room, body string) {
	t.Helper()
	by.Put("/v1/rooms/"+room, body, chattest.Wait).Is(http.StatusCreated)
}

func sayIn(t *testing.T, by *chattest.Client, room, text string) (id string) {
	t.Helper()
	return by.Post("/v1/rooms/"+room+"/messages", map[string]string{"text": text}, chattest.Wait).Is(http.StatusCreated).Text("id")
}

func becomes(t *testing.T, by *chattest.Client, room, user, membership string) {
	t.Helper()
	by.Put("/v1/rooms/"+room+"/members/"+user, `{"membership":"`+membership+`"}`, chattest.Wait).Is(http.StatusOK)
}

// The stream of all of one's rooms: each opens with the event that lets one in and
// closes with the one that takes it away; the cursor of any event resumes there.
func TestPersonStream(t *testing.T) {
	w := chattest.Start(t)
	alice, bob := w.As("alice"), w.As("bob")
	for _, room := range []string{"a", "b", "c"} {
		makeRoom(t, alice, room, `{"kind":"public"}`)
	}
	becomes(t, bob, "a", "bob", "join")
	s := bob.Follow(allPath, false)
	sayIn(t, alice, "a", "one")
	sayIn(t, alice, "b", "not for bob")
	becomes(t, alice, "b", "bob", "invite")
	sayIn(t, alice, "b", "nor this")
	becomes(t, bob, "b", "bob", "join")
	sayIn(t, alice, "b", "two")
	first := comes(t, s, "a/3")
	comes(t, s, "b/3", "b/5")
	second := comes(t, s, "b/6")
	becomes(t, alice, "a", "bob", "leave")
	sayIn(t, alice, "a", "without bob")
	sayIn(t, alice, "b", "three")
	comes(t, s, "a/4", "b/7")

	resumed := bob.Follow(allPath, false, h("Last-Event-ID", second))
	later := []string{place(t, next(t, resumed)), place(t, next(t, resumed))}
	if fmt.Sprint(later) != "[a/4 b/7]" && fmt.Sprint(later) != "[b/7 a/4]" {
		t.Errorf("resumed with %v", later)
	}
	chosen := bob.Follow(allPath+"?rooms=b&types=message.posted&after="+first, false)
	comes(t, chosen, "b/6", "b/7")
	sayIn(t, alice, "b", "four")
	comes(t, chosen, "b/8")
	comes(t, s, "b/8")
	comes(t, resumed, "b/8")
	becomes(t, bob, "b", "bob", "leave") // what ends a room comes whatever was asked for
	comes(t, chosen, "b/9")
}

func next(t *testing.T, s *chattest.Stream) chattest.Frame {
	t.Helper()
	f, ok := s.Next()
	if !ok {
		t.Fatal("the stream ended")
	}
	return f
}

func TestPersonStreamBeginsWithAListOfRooms(t *testing.T) {
	w := chattest.Start(t)
	alice := w.As("alice")
	makeRoom(t, alice, "a", `{"kind":"public"}`)
	sayIn(t, alice, "a", "in the list")
	listed := alice.Get("/v1/rooms").Is(http.StatusOK)
	sayIn(t, alice, "a", "after it")
	makeRoom(t, alice, "b", `{"kind":"public"}`)
	s := alice.Follow(allPath+"?after="+listed.Position(), false)
	seen := map[string]bool{place(t, next(t, s)): true, place(t, next(t, s)): true}
	if !seen["a/3"] || !seen["b/1"] {
		t.Errorf("the stream began with %v", seen)
	}
}

// A room whose events are parked holds up nothing else, and is not skipped when
// they are released, whatever the cursor has passed meanwhile.
func TestPersonStreamOfABlockedRoom(t *testing.T) {
	w := chattest.Start(t)
	alice := w.As("alice")
	// Two rooms of one partition.
	parked, other := "r0", ""
	for i := 1; other == ""; i++ {
		if r := fmt.Sprintf("r%d", i); w.PartitionOf(events.RoomID(r)) == w.PartitionOf(events.RoomID(parked)) {
			other = r
		}
	}
	makeRoom(t, alice, parked, `{"kind":"public"}`)
	makeRoom(t, alice, other, `{"kind":"public"}`)
	s := alice.Follow(allPath, false)
	w.Park(func(e *events.Event) bool { return string(e.Room) == parked })
	alice.Post("/v1/rooms/"+parked+"/messages", `{"text":"parked"}`).Is(http.StatusAccepted)
	sayIn(t, alice, other, "goes on")
	listed := alice.Get("/v1/rooms").Is(http.StatusOK).Position()
	cursor := comes(t, s, other+"/2")
	s.Close()
	anew := alice.Follow(allPath, false) // begins while the room is blocked
	sayIn(t, alice, other, "and on")
	later := comes(t, anew, other+"/3")
	w.Park(nil)
	w.Release(events.RoomID(parked))
	comes(t, anew, parked+"/2")
	comes(t, alice.Follow(allPath+"?after="+later, false), parked+"/2")
	for _, from := range []string{cursor, listed} {
		got := map[string]bool{}
		resumed := alice.Follow(allPath+"?after="+from, false)
		for !got[parked+"/2"] || !got[other+"/3"] {
			got[place(t, next(t, resumed))] = true
		}
	}
}

func TestPersonStreamOfADeletedRoom(t *testing.T) {
	w := chattest.Start(t)
	alice, bob := w.As("alice"), w.As("bob")
	makeRoom(t, alice, "a", `{"kind":"public"}`)
	becomes(t, bob, "a", "bob", "join")
	one, all := bob.Follow("/v1/rooms/a/events", false), bob.Follow(allPath, false)
	are(t, one.IDs(2), 1)
	sayIn(t, alice, "a", "secret")
	are(t, one.IDs(1), 3)
	cursor := comes(t, all, "a/3")
	alice.Do(http.MethodDelete, "/v1/rooms/a", nil, chattest.Wait).Is(http.StatusOK)
	are(t, one.IDs(1), 4)
	if code, at := one.End(); code != "room_deleted" || at != 4 {
		t.Errorf("end %s at %d", code, at)
	}
	comes(t, all, "a/4")
	comes(t, bob.Follow(allPath+"?after="+cursor, false), "a/4")
}

// An event about a message from before one's time is not for one's eyes, in any
// stream; one's own membership always is.
func TestStreamsShowWhatIsVisible(t *testing.T) {
	w := chattest.Start(t)
	alice, bob := w.As("alice"), w.As("bob")
	makeRoom(t, alice, "a", `{"kind":"public","settings":{"history":"joined"}}`)
	hidden := sayIn(t, alice, "a", "before bob") // 2
	all := bob.Follow(allPath, false)
	becomes(t, bob, "a", "bob", "join")     // 3
	shown := sayIn(t, alice, "a", "to bob") // 4
	one := bob.Follow("/v1/rooms/a/events", false)
	for _, id := range []string{hidden, shown, hidden} { // 5, 6, 7
		alice.Put("/v1/rooms/a/messages/"+id+"/reactions/+1", nil, chattest.Wait)
		alice.Do(http.MethodDelete, "/v1/rooms/a/messages/"+id+"/reactions/+1", nil, chattest.Wait)
	}
	last := sayIn(t, alice, "a", "last")
	_ = last
	cursor := comes(t, all, "a/3")
	comes(t, all, "a/4", "a/7", "a/8", "a/11")
	comes(t, bob.Follow(allPath+"?after="+cursor, false), "a/4", "a/7", "a/8", "a/11")
	if ids := one.IDs(5); fmt.Sprint(ids) != "[3 4 7 8 11]" {
		t.Errorf("ids %v", ids)
	}
}

func TestPersonPoll(t *testing.T) {
	w := chattest.Start(t)
	alice, bob := w.As("alice"), w.As("bob")
	makeRoom(t, alice, "a", `{"kind":"public"}`)
	var page struct {
		Items  []struct{ Seq int }
		Next   *string
		Cursor string
	}
	bob.Get(allPath).Is(http.StatusOK).Into(&page)
	if len(page.Items) != 0 || page.Next != nil || page.Cursor == "" {
		t.Errorf("from now on: %+v", page)
	}
	polled := make(chan chattest.Answer, 1)
	go func() { polled <- bob.Get(allPath + "?wait=20&after=" + page.Cursor) }()
	until(t, func() bool { return w.Followers() == 1 })
	becomes(t, bob, "a", "bob", "join")
	(<-polled).Is(http.StatusOK).Into(&page)
	if len(page.Items) != 1 || page.Items[0].Seq != 2 {
		t.Errorf("the poll has %+v", page)
	}
	for range 5 {
		sayIn(t, alice, "a", "x")
	}
	for want := 3; want <= 7; {
		bob.Get(allPath + "?limit=2&after=" + page.Cursor).Is(http.StatusOK).Into(&page)
		for _, item := range page.Items {
			if item.Seq != want {
				t.Fatalf("seq %d, want %d", item.Seq, want)
			}
			want++
		}
		if more := want <= 7; (page.Next != nil) != more {
			t.Errorf("after seq %d next is %v", want-1, page.Next)
		}
	}
}

func TestBadPersonStream(t *testing.T) {
	w, alice := lobby(t, func(c *chat.Config) { c.MaxStreams = 1 })
	sse := h("Accept", "text/event-stream")
	alice.Get(allPath+"?after=x", sse).Problem(http.StatusBadRequest, "invalid_cursor")
	alice.Get(allPath+"?after=", sse).Problem(http.StatusBadRequest, "invalid_parameter")
	alice.Get(allPath, h("Last-Event-ID", ""), sse).Problem(http.StatusBadRequest, "invalid_cursor")
	alice.Get(allPath, h("Last-Event-ID", "7"), sse).Problem(http.StatusBadRequest, "invalid_cursor")
	alice.Get(allPath+"?rooms=a,%2F", sse).Problem(http.StatusBadRequest, "invalid_id")
	alice.Get(allPath+"?rooms=a"+strings.Repeat(",a", 300), sse).Problem(http.StatusBadRequest, "invalid_parameter")
	alice.Get(allPath+"?types=message.eaten", sse).Problem(http.StatusBadRequest, "invalid_parameter")
	alice.Get(allPath+"?wait=3", sse).Problem(http.StatusBadRequest, "invalid_parameter")
	layout := w.Log.Layout()
	another := events.VectorOf(events.LogID{9}, layout.Epoch, []events.Offset{1})
	alice.Get(allPath+"?after="+another.Token(), sse).Problem(http.StatusPreconditionFailed, "position_of_another_log")
	ahead := events.VectorOf(layout.Log, layout.Epoch, []events.Offset{1 << 40})
	alice.Get(allPath+"?after="+ahead.Token(), sse).Problem(http.StatusPreconditionFailed, "position_of_another_log")
	s := alice.Follow(allPath, false)
	alice.Get(allPath, sse).Problem(http.StatusTooManyRequests, "too_many_streams")
	alice.Get(allPath).Problem(http.StatusTooManyRequests, "too_many_streams")
	s.Close()
}

func TestPersonStreamEndsWithTheServer(t *testing.T) {
	w, alice := lobby(t)
	other := w.Replica()
	s := other.As("alice").Follow(allPath, false)
	say(t, alice, 1)
	comes(t, s, "lobby/2")
	go other.Stop()
	f := next(t, s)
	var end struct{ Code, Cursor string }
	if err := json.Unmarshal([]byte(f.Data), &end); err != nil || f.Event != "end" || end.Code != "server_shutdown" {
		t.Fatalf("%+v: %v", f, err)
	}
	say(t, alice, 1)
	comes(t, alice.Follow(allPath+"?after="+end.Cursor, false), "lobby/3")
}
