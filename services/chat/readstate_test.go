package chat_test

import (
	"net/http"
	"testing"

	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// userRoom is a room of the list of one's rooms.
type userRoom struct {
	roomView
	Membership, Role string
	ReadSeq          int `json:"read_seq"`
	Unread, Mentions int
	Preferences      preferencesView
	LastMessage      *struct {
		Seq      int
		Text     string
		Redacted bool
	} `json:"last_message"`
}

func roomsOf(c *chattest.Client, query string, headers ...chattest.Header) (rooms []userRoom) {
	var page struct{ Items []userRoom }
	c.Get("/v1/rooms"+query, headers...).Is(http.StatusOK).Into(&page)
	return page.Items
}

func TestReadMarks(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob") // 2
	for _, body := range []string{`{"text":"3"}`, `{"text":"4","mentions":["bob"]}`, `{"text":"5"}`} {
		alice.Post(messages, body, chattest.Wait).Is(http.StatusCreated)
	}
	type marks struct {
		ReadSeq      int `json:"read_seq"`
		DeliveredSeq int `json:"delivered_seq"`
	}
	is := func(unread, mentions, read int) {
		t.Helper()
		if r := roomsOf(bob, "")[0]; r.Unread != unread || r.Mentions != mentions || r.ReadSeq != read {
			t.Errorf("unread %d, mentions %d, read %d; want %d, %d, %d", r.Unread, r.Mentions, r.ReadSeq, unread, mentions, read)
		}
	}
	move := func(path, body string, want marks) {
		t.Helper()
		var m marks
		if bob.Put(theLobby+path, body, chattest.Wait).Is(http.StatusOK).Into(&m); m != want {
			t.Errorf("%s %s: %+v, want %+v", path, body, m, want)
		}
	}
	is(3, 1, 2)
	move("/read", `{"seq":4}`, marks{4, 4})
	is(1, 0, 4)
	move("/read", `{"seq":3}`, marks{3, 4}) // back: unread from there
	is(2, 1, 3)
	move("/delivered", `{"seq":5}`, marks{3, 5})
	move("/delivered", `{"seq":1}`, marks{3, 5}) // never back
	move("/read", `{"seq":1000}`, marks{5, 5})
	is(0, 0, 5)
	move("/read", `{"seq":0}`, marks{0, 5})
	is(3, 1, 0)
	bob.Post(messages, `{"text":"who writes has read"}`, chattest.Wait).Is(http.StatusCreated)
	is(0, 0, 6)

	// What is one's own takes no seq, and is accepted all the same.
	accepted := bob.Put(theLobby+"/read", `{"seq":1}`).Is(http.StatusAccepted)
	outcome := bob.Get(accepted.Header.Get("Location"), chattest.At(accepted.Position())).Is(http.StatusOK)
	if outcome.Text("status") != "accepted" || outcome.Field("seq") != nil {
		t.Errorf("%s", outcome.Body)
	}
	if r := roomOf(alice.Get(theLobby)); r.Seq != 6 {
		t.Errorf("%+v", r)
	}

	for body, code := range map[string]string{`{}`: "missing_field", `{"seq":-1}`: "invalid_field", `{"seq":1,"thread_root":"a b"}`: "invalid_id", `{"seq":"1"}`: "invalid_field"} {
		bob.Put(theLobby+"/read", body).Problem(http.StatusBadRequest, code)
	}
	bob.Put(theLobby+"/delivered", `{"seq":1,"thread_root":"x"}`).Problem(http.StatusBadRequest, "unknown_field")
	eve := w.As("eve")
	for _, path := range []string{"/read", "/delivered"} {
		eve.Put(theLobby+path, `{"seq":1}`, chattest.Wait).Problem(http.StatusForbidden, "not_a_member")
	}
	eve.Put(theLobby+"/preferences", `{}`, chattest.Wait).Problem(http.StatusForbidden, "not_a_member")
}

func TestReadMarksOfThreads(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	root := bob.Post(messages, `{"text":"root"}`, chattest.Wait).Is(http.StatusCreated).Text("id") // 3
	for range 2 {
		alice.Post(messages, `{"text":"reply","thread_root":"`+root+`"}`, chattest.Wait).Is(http.StatusCreated)
	}
	for body, unread := range map[string]float64{`{"seq":3,"thread_root":"` + root + `"}`: 2, `{"seq":4,"thread_root":"` + root + `"}`: 1, `{"seq":9,"thread_root":"` + root + `"}`: 0} {
		a := bob.Put(theLobby+"/read", body, chattest.Wait).Is(http.StatusOK)
		if a.Field("thread_unread") != unread || a.Text("thread_root") != root || a.Field("read_seq") != 3.0 {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
	bob.Put(theLobby+"/read", `{"seq":1,"thread_root":"nothing"}`, chattest.Wait).Problem(http.StatusUnprocessableEntity, "thread_root_not_found")
	if r := roomsOf(bob, "")[0]; r.Unread != 0 {
		t.Errorf("%+v", r)
	}
}

func TestPreferences(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	prefer := func(body string, want preferencesView) {
		t.Helper()
		var p preferencesView
		if bob.Put(theLobby+"/preferences", body, chattest.Wait).Is(http.StatusOK).Into(&p); p != want {
			t.Errorf("%s: %+v", body, p)
		}
		if m := memberOf(bob.Get(theLobby + "/members/bob")); *m.Preferences != want {
			t.Errorf("%s: %+v", body, m)
		}
	}
	prefer(`{"muted":true}`, preferencesView{Muted: true})
	if r := roomsOf(bob, "")[0]; r.Preferences != (preferencesView{Muted: true}) {
		t.Errorf("%+v", r)
	}
	prefer(`{"archived":true}`, preferencesView{Archived: true})
	if here, there := roomsOf(bob, ""), roomsOf(bob, "?archived=true"); len(here) != 0 || len(there) != 1 || !there[0].Preferences.Archived {
		t.Errorf("%+v and %+v", here, there)
	}
	prefer(`{"hidden":true}`, preferencesView{Hidden: true})
	if here, there := roomsOf(bob, "?archived=false"), roomsOf(bob, "?archived=true"); len(here)+len(there) != 0 {
		t.Errorf("%+v and %+v", here, there)
	}
	alice.Put(theLobby+"/members/carol", `{"membership":"invite"}`, chattest.Wait).Is(http.StatusOK) // no message
	if rooms := roomsOf(bob, ""); len(rooms) != 0 {
		t.Errorf("%+v", rooms)
	}
	alice.Post(messages, `{"text":"hello"}`, chattest.Wait).Is(http.StatusCreated)
	if rooms := roomsOf(bob, ""); len(rooms) != 1 || rooms[0].Preferences.Hidden {
		t.Errorf("%+v", rooms)
	}
	prefer(`{}`, preferencesView{})
	bob.Put(theLobby+"/preferences", `{"pinned":true}`).Problem(http.StatusBadRequest, "unknown_field")
}

func TestMarkAllRead(t *testing.T) {
	w := chattest.Start(t)
	alice, bob := w.As("alice"), w.As("bob")
	for _, room := range []string{"a", "b", "c"} {
		alice.Put("/v1/rooms/"+room, `{"kind":"public"}`, chattest.Wait).Is(http.StatusCreated)
		bob.Put("/v1/rooms/"+room+"/members/bob", `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
		alice.Post("/v1/rooms/"+room+"/messages", `{"text":"hello"}`, chattest.Wait).Is(http.StatusCreated)
	}
	alice.Put("/v1/rooms/hers", `{"kind":"private"}`, chattest.Wait).Is(http.StatusCreated)
	var result struct {
		Items []struct {
			Room, Code string
			EventID    string `json:"event_id"`
			Position   *string
			ReadSeq    *int `json:"read_seq"`
		}
	}
	bob.Put("/v1/read", `{"rooms":{"a":3,"c":2,"b":1000,"hers":1,"none":1}}`, chattest.Wait).Is(http.StatusOK).Into(&result)
	for i, want := range []struct {
		room, code string
		read       int
	}{{"a", "", 3}, {"b", "", 3}, {"c", "", 2}, {"hers", "room_not_found", 0}, {"none", "room_not_found", 0}} {
		got := result.Items[i]
		if got.Room != want.room || got.Code != want.code || (got.ReadSeq == nil) != (want.code != "") || want.code == "" && *got.ReadSeq != want.read {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	for _, r := range roomsOf(bob, "") {
		if want := map[string]int{"c": 1}[r.Room]; r.Unread != want {
			t.Errorf("%+v", r)
		}
	}
	// One token for all of them.
	w.Hold()
	accepted := bob.Put("/v1/read", `{"rooms":{"a":0,"b":0,"c":0}}`).Is(http.StatusAccepted)
	go w.Resume()
	for _, r := range roomsOf(bob, "", chattest.At(accepted.Position())) {
		if r.Unread != 1 {
			t.Errorf("%+v", r)
		}
	}
	for body, code := range map[string]string{
		`{}`: "missing_field", `{"rooms":{}}`: "invalid_field", `{"rooms":{"a b":1}}`: "invalid_id", `{"rooms":{"a":-1}}`: "invalid_field", `{"rooms":{"a":null}}`: "invalid_field",
	} {
		bob.Put("/v1/read", body).Problem(http.StatusBadRequest, code)
	}
}
