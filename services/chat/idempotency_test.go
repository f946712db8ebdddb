package chat_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

func TestIdempotency(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	body, spaced := `{"text":"a","data":{"x":1,"y":2}}`, ` { "data":{"y":2, "x":1}, "text":"\u0061" } `

	first := alice.Post(messages, body, chattest.Key("k")).Is(http.StatusAccepted)
	alice.Get(first.Header.Get("Location"), chattest.At(first.Position())).Is(http.StatusOK)
	appended := w.Log.Len()
	again := alice.Post(messages, spaced, chattest.Key("k")).Is(http.StatusAccepted)
	if again.Text("event_id") != first.Text("event_id") || again.Text("position") != first.Text("position") {
		t.Errorf("first %s, again %s", first.Body, again.Body)
	}
	waited := alice.Post(messages, body, chattest.Key("k"), chattest.Wait).Is(http.StatusCreated)
	if waited.Text("id") != first.Text("event_id") {
		t.Errorf("waited %s", waited.Body)
	}
	alice.Post(messages, `{"text":"a","data":{"x":1,"y":3}}`, chattest.Key("k")).Problem(http.StatusUnprocessableEntity, "idempotency_key_reused")
	if w.Log.Len() != appended {
		t.Errorf("%d records were appended", w.Log.Len()-appended)
	}

	if other := bob.Post(messages, body, chattest.Key("k"), chattest.Wait).Is(http.StatusCreated); other.Text("id") == first.Text("event_id") {
		t.Error("two people's messages under the same key are one")
	}
	byMessage := alice.Post(messages, `{"text":"a","client_msg_id":"k2"}`, chattest.Wait).Is(http.StatusCreated)
	byKey := alice.Post(messages, `{"text":"a","client_msg_id":"k2"}`, chattest.Key("k2"), chattest.Wait).Is(http.StatusCreated)
	if byMessage.Text("id") != byKey.Text("id") {
		t.Error("client_msg_id does not serve as the key")
	}
	one, two := alice.Post(messages, `{"text":"x"}`).Text("event_id"), alice.Post(messages, `{"text":"x"}`).Text("event_id")
	if one == two {
		t.Error("without a key two requests are one")
	}
}

// Racing requests under one key: the log may have several, the fold keeps one, and
// each sender learns its own verdict.
func TestIdempotencyRaces(t *testing.T) {
	w, alice := lobby(t)
	w.Hold()
	same := []chattest.Answer{
		alice.Post(messages, `{"text":"a"}`, chattest.Key("k")).Is(http.StatusAccepted),
		alice.Post(messages, `{"text":"a"}`, chattest.Key("k")).Is(http.StatusAccepted),
	}
	if same[0].Text("event_id") != same[1].Text("event_id") || same[0].Text("position") == same[1].Text("position") {
		t.Fatalf("%s and %s", same[0].Body, same[1].Body)
	}
	var g sync.WaitGroup
	g.Go(func() {
		alice.Post(messages, `{"text":"b"}`, chattest.Key("k"), chattest.Wait).Problem(http.StatusUnprocessableEntity, "idempotency_key_reused")
	})
	g.Go(func() {
		a := alice.Post(messages, `{"text":"a"}`, chattest.Key("k"), chattest.Wait).Is(http.StatusCreated)
		if a.Text("id") != same[0].Text("event_id") {
			t.Errorf("id %s", a.Body)
		}
	})
	until(t, func() bool { return w.Log.Len() == 5 }) // the room, two and two
	w.Resume()
	g.Wait()
	var page struct{ Items []struct{ Text string } }
	alice.Get(messages).Into(&page)
	if len(page.Items) != 1 || page.Items[0].Text != "a" {
		t.Errorf("messages %+v", page.Items)
	}
}

// Racing requests under one key have one id: each learns its own verdict from the
// place that its answer names.
func TestRacersOutcomes(t *testing.T) {
	w, alice := lobby(t)
	w.Hold()
	first := alice.Post(messages, `{"text":"a"}`, chattest.Key("k")).Is(http.StatusAccepted)
	same := alice.Post(messages, `{"text":"a"}`, chattest.Key("k")).Is(http.StatusAccepted)
	other := alice.Post(messages, `{"text":"b"}`, chattest.Key("k")).Is(http.StatusAccepted)
	if first.Text("event_id") != other.Text("event_id") || first.Position() == other.Position() {
		t.Fatalf("%v and %v", first.Header, other.Header)
	}
	own := func(a chattest.Answer) string { return a.Header.Get("Location") + "?position=" + a.Text("position") }
	if o := alice.Get(own(other)); o.Text("status") != "pending" {
		t.Errorf("before the fold %s", o.Body)
	}
	w.Resume()
	outcome := func(a chattest.Answer) chattest.Answer {
		return alice.Get(own(a), chattest.At(other.Position())).Is(http.StatusOK)
	}
	for _, a := range []chattest.Answer{first, same} {
		if o := outcome(a); o.Text("status") != "accepted" || o.Field("seq") != 2.0 {
			t.Errorf("outcome %s", o.Body)
		}
	}
	if o := outcome(other); o.Text("status") != "rejected" || o.Text("code") != "idempotency_key_reused" {
		t.Errorf("outcome of the other %s", o.Body)
	}
	path := first.Header.Get("Location")
	if o := alice.Get(path); o.Text("status") != "accepted" {
		t.Errorf("outcome of the id %s", o.Body)
	}
	alice.Get(path+"?position=x").Problem(http.StatusBadRequest, "invalid_position")
}

// Another's command is answered for as one that nobody has sent, in each state.
func TestOutcomesOfOthersProveNothing(t *testing.T) {
	w, alice := lobby(t)
	sent := alice.Post(messages, `{"text":"a"}`, chattest.Key("guessable"), chattest.Wait).Is(http.StatusCreated)
	const past, future = "?expires=2020-01-01T00:00:00Z", "?expires=2099-01-01T00:00:00Z"
	same := func(name string) {
		t.Helper()
		for _, query := range []string{"", past, future} {
			id := h("X-Request-Id", "same")
			theirs := w.As("eve").Get("/v1/rooms/lobby/outcomes/"+sent.Text("id")+query, id)
			none := w.As("eve").Get("/v1/rooms/lobby/outcomes/nothing"+query, id)
			if theirs.Status != none.Status || string(theirs.Body) != string(none.Body) {
				t.Errorf("%s%s: %d %s, and where there is none %d %s", name, query, theirs.Status, theirs.Body, none.Status, none.Body)
			}
		}
	}
	same("folded")
	w.Hold()
	say(t, alice, 1)
	same("behind")
	w.Resume()
}

// A command that is sent again answers with what its sender may see by now.
func TestRepeatedCommandsShowNothingToThoseWhoLeft(t *testing.T) {
	const den, member = "/v1/rooms/den", "/v1/rooms/den/members/"
	w := chattest.Start(t)
	alice, bob := w.As("alice"), w.As("bob")
	made := func() chattest.Answer {
		return alice.Put(den, `{"kind":"private","name":"Secret"}`, chattest.Key("made"), chattest.Wait)
	}
	invited := func() chattest.Answer {
		return alice.Put(member+"bob", `{"membership":"invite"}`, chattest.Key("invited"), chattest.Wait)
	}
	made().Is(http.StatusCreated)
	invited().Is(http.StatusOK)
	join := func() chattest.Answer {
		return bob.Put(member+"bob", `{"membership":"join"}`, chattest.Key("joined"), chattest.Wait)
	}
	join().Is(http.StatusOK)
	alice.Put(member+"bob", `{"membership":"join","role":"owner"}`, chattest.Wait).Is(http.StatusOK)
	leave := func() chattest.Answer {
		return alice.Put(member+"alice", `{"membership":"leave"}`, chattest.Key("left"), chattest.Wait)
	}
	if a := leave().Is(http.StatusOK); a.Text("membership") != "leave" { // says what it was sent for
		t.Errorf("leave %s", a.Body)
	}
	leave().Is(http.StatusOK)
	for name, again := range map[string]func() chattest.Answer{"room": made, "member": invited} {
		a := again().Is(http.StatusAccepted)
		if a.Position() == "" || a.Field("name") != nil || a.Field("membership") != nil || a.Header.Get("Preference-Applied") != "" {
			t.Errorf("%s: %s, %v", name, a.Body, a.Header)
		}
		if o := alice.Get(a.Header.Get("Location")).Is(http.StatusOK); o.Text("status") != "accepted" {
			t.Errorf("%s: outcome %s", name, o.Body)
		}
	}
	bob.Put(member+"alice", `{"membership":"invite"}`, chattest.Wait).Is(http.StatusOK)
	if a := made().Is(http.StatusCreated); a.Text("name") != "Secret" || a.Field("settings") != nil { // as GET shows it
		t.Errorf("room %s", a.Body)
	}
	alice.Put(member+"alice", `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
	if made().Is(http.StatusCreated).Field("settings") == nil {
		t.Error("a member does not see all of the room")
	}
	bob.Put(member+"bob", `{"membership":"leave"}`, chattest.Wait).Is(http.StatusOK)
	join().Is(http.StatusAccepted)
}
