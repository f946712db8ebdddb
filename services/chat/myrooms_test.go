package chat_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

func TestMyRooms(t *testing.T) {
	w := chattest.Start(t)
	alice, bob := w.As("alice"), w.As("bob")
	for _, room := range []string{"a", "b", "c", "d", "e"} {
		alice.Put("/v1/rooms/"+room, `{"kind":"public","name":"Room `+room+`"}`, chattest.Wait).Is(http.StatusCreated)
	}
	// The latest first, by the log's time in milliseconds.
	ahead := time.Duration(0)
	later := func() {
		ahead += 10 * time.Millisecond
		w.Log.SetAhead(ahead)
	}
	for _, room := range []string{"d", "a", "c", "b"} {
		later()
		bob.Put("/v1/rooms/"+room+"/members/bob", `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
	}
	later()
	alice.Put("/v1/rooms/e/members/bob", `{"membership":"invite"}`, chattest.Wait).Is(http.StatusOK)
	later()
	alice.Post("/v1/rooms/a/messages", `{"text":"hello"}`, chattest.Wait).Is(http.StatusCreated)

	var ids []string
	for path := "/v1/rooms?limit=2"; path != ""; {
		var page struct {
			Items      []userRoom
			Next, Prev *string
		}
		bob.Get(path).Is(http.StatusOK).Into(&page)
		for _, r := range page.Items {
			ids = append(ids, r.Room)
		}
		if path = ""; page.Next != nil {
			path = "/v1/rooms?limit=2&after=" + *page.Next
		}
	}
	if !slices.Equal(ids, []string{"a", "e", "b", "c", "d"}) {
		t.Errorf("rooms %v", ids)
	}
	rooms := roomsOf(bob, "")
	a, e := rooms[0], rooms[1]
	if a.Name != "Room a" || a.Membership != "join" || a.Role != "member" || a.Unread != 1 || a.Seq != 3 || a.ReadSeq != 2 || a.LastMessage == nil || a.LastMessage.Text != "hello" {
		t.Errorf("a %+v", a)
	}
	if e.Membership != "invite" || e.Seq != 0 || e.LastMessage != nil || e.Unread != 0 {
		t.Errorf("e %+v", e)
	}
	if rooms[2].LastMessage != nil {
		t.Errorf("b %+v", rooms[2])
	}
	bob.Get("/v1/rooms?archived=yes").Problem(http.StatusBadRequest, "invalid_parameter")
	bob.Get("/v1/rooms?after=x").Problem(http.StatusBadRequest, "invalid_cursor")
}

// A page that is the same still is not sent again.
func TestMyRoomsUnchanged(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	same := func(tag string) chattest.Header { return chattest.Header{Name: "If-None-Match", Value: tag} }
	first := bob.Get("/v1/rooms").Is(http.StatusOK)
	tag := first.Header.Get("ETag")
	for _, value := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		unchanged := bob.Get("/v1/rooms", same(value)).Is(http.StatusNotModified)
		if len(unchanged.Body) != 0 || unchanged.Header.Get("ETag") != tag || unchanged.Position() == "" {
			t.Errorf("%s: %v %s", value, unchanged.Header, unchanged.Body)
		}
	}
	for _, change := range []func() chattest.Answer{
		func() chattest.Answer { return alice.Post(messages, `{"text":"hello"}`, chattest.Wait) },
		func() chattest.Answer { return bob.Put(theLobby+"/read", `{"seq":3}`, chattest.Wait) },
		func() chattest.Answer { return bob.Put(theLobby+"/preferences", `{"muted":true}`, chattest.Wait) },
		func() chattest.Answer { return alice.Patch(theLobby, `{"name":"x"}`, chattest.Wait) },
	} {
		changed := change()
		page := bob.Get("/v1/rooms", same(tag)).Is(http.StatusOK)
		if page.Header.Get("ETag") == tag {
			t.Errorf("after %s the tag is the same", changed.Body)
		}
		tag = page.Header.Get("ETag")
	}
}

// The last message is shown to those who may read it.
func TestMyRoomsShowWhatIsVisible(t *testing.T) {
	w, alice := lobby(t)
	alice.Patch(theLobby, `{"settings":{"history":"joined"}}`, chattest.Wait).Is(http.StatusOK)
	alice.Post(messages, `{"text":"before"}`, chattest.Wait).Is(http.StatusCreated)
	bob := join(t, w, "bob")
	if r := roomsOf(bob, "")[0]; r.LastMessage != nil || r.Unread != 0 {
		t.Errorf("%+v", r)
	}
	if r := roomsOf(alice, "")[0]; r.LastMessage == nil || r.LastMessage.Text != "before" {
		t.Errorf("%+v", r)
	}
	alice.Post(messages, `{"text":"after"}`, chattest.Wait).Is(http.StatusCreated)
	if r := roomsOf(bob, "")[0]; r.LastMessage == nil || r.LastMessage.Text != "after" || r.Unread != 1 {
		t.Errorf("%+v", r)
	}
	// Open to all from here on; what was said before stays as it was.
	alice.Patch(theLobby, `{"settings":{"history":"all"}}`, chattest.Wait).Is(http.StatusOK)
	carol := join(t, w, "carol")
	if r := roomsOf(carol, "")[0]; r.LastMessage != nil {
		t.Errorf("%+v", r)
	}
}
