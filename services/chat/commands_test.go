package chat_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

const messages = "/v1/rooms/lobby/messages"

// lobby starts a world with a public room of alice's.
func lobby(t testing.TB, change ...func(*chat.Config)) (*chattest.World, *chattest.Client) {
	t.Helper()
	w := chattest.Start(t, change...)
	alice := w.As("alice")
	alice.Put("/v1/rooms/lobby", `{"kind":"public","name":"Lobby"}`, chattest.Wait).Is(http.StatusCreated)
	return w, alice
}

func join(t testing.TB, w *chattest.World, user string) *chattest.Client {
	t.Helper()
	c := w.As(user)
	c.Put("/v1/rooms/lobby/members/"+user, `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
	return c
}

// until polls for a condition that must come true.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("it never came true")
		}
	}
}

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

func TestCreateRoom(t *testing.T) {
	w := chattest.Start(t)
	alice := w.As("alice")
	made := alice.Post("/v1/rooms", `{"kind":"private","name":"Plans","metadata":{"a":1}}`, chattest.Key("k"), chattest.Wait).Is(http.StatusCreated)
	again := alice.Post("/v1/rooms", `{"kind":"private","name":"Plans","metadata":{"a":1}}`, chattest.Key("k"), chattest.Wait).Is(http.StatusCreated)
	if made.Text("room") != again.Text("room") || fmt.Sprint(made.Field("metadata")) != "map[a:1]" || made.Field("version") != 1.0 {
		t.Errorf("made %s, again %s", made.Body, again.Body)
	}
	alice.Post("/v1/rooms", `{"kind":"public"}`, chattest.Key("k")).Problem(http.StatusUnprocessableEntity, "idempotency_key_reused")
	other := alice.Post("/v1/rooms", `{"kind":"public"}`).Is(http.StatusAccepted)
	if other.Text("room") == made.Text("room") || !strings.HasPrefix(other.Header.Get("Location"), "/v1/rooms/"+other.Text("room")+"/") {
		t.Errorf("other %s", other.Body)
	}

	alice.Put("/v1/rooms/mine", `{"kind":"public","name":"A"}`, chattest.Wait).Is(http.StatusCreated)
	there := alice.Put("/v1/rooms/mine", `{"kind":"private","name":"B"}`, chattest.Wait).Is(http.StatusOK)
	if there.Text("name") != "A" || there.Text("kind") != "public" || there.Field("seq") != 1.0 {
		t.Errorf("the room is %s", there.Body)
	}
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

// Membership, from one end to the other: what is said, and what it does.
func TestMembership(t *testing.T) {
	w, alice := lobby(t)
	bob, carol := w.As("bob"), w.As("carol")
	member := "/v1/rooms/lobby/members/"
	a := bob.Put(member+"bob", `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
	if a.Text("membership") != "join" || a.Text("role") != "member" || a.Field("seq") != 2.0 || a.Field("since_seq") != 2.0 {
		t.Fatalf("join %s", a.Body)
	}
	if a = bob.Put(member+"bob", `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK); a.Field("seq") != nil {
		t.Errorf("a join that changes nothing has a seq: %s", a.Body)
	}
	carol.Put(member+"bob", `{"membership":"leave"}`).Problem(http.StatusForbidden, "not_a_member")
	bob.Put(member+"alice", `{"membership":"leave"}`).Problem(http.StatusForbidden, "forbidden")
	bob.Put(member+"carol", `{"membership":"invite"}`, chattest.Wait).Is(http.StatusOK)
	carol.Put(member+"carol", `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
	alice.Put(member+"carol", `{"membership":"invite"}`).Problem(http.StatusConflict, "user_joined")
	alice.Put(member+"carol", `{"membership":"join","role":"moderator"}`, chattest.Wait).Is(http.StatusOK)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z")
	ban := carol.Put(member+"bob", `{"membership":"ban","reason":"spam","until":"`+until+`"}`, chattest.Wait).Is(http.StatusOK)
	if ban.Text("membership") != "ban" || ban.Text("until") != until {
		t.Errorf("ban %s", ban.Body)
	}
	bob.Post(messages, `{"text":"a"}`).Problem(http.StatusForbidden, "banned")
	bob.Put(member+"bob", `{"membership":"join"}`).Problem(http.StatusForbidden, "banned")
	carol.Put(member+"bob", `{"membership":"leave"}`, chattest.Wait).Is(http.StatusOK)
	bob.Put(member+"bob", `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)

	if got := carol.Get(member + "bob").Is(http.StatusOK); got.Text("membership") != "join" {
		t.Errorf("bob is %s", got.Body)
	}
	var page struct {
		Items []struct{ User, Membership, Role string }
		Next  *string
	}
	alice.Get("/v1/rooms/lobby/members?limit=2").Into(&page)
	if len(page.Items) != 2 || page.Items[1].User != "bob" || page.Next == nil {
		t.Fatalf("members %+v", page)
	}
	alice.Get("/v1/rooms/lobby/members?limit=2&after=" + *page.Next).Into(&page)
	if len(page.Items) != 1 || page.Items[0].User != "carol" || page.Items[0].Role != "moderator" || page.Next != nil {
		t.Fatalf("members %+v", page)
	}
}

// A refusal needs a state as new as the log's end: who was let in a moment ago is
// not turned away because the read model is behind.
func TestRefusalWaitsForTheReadModel(t *testing.T) {
	w, _ := lobby(t)
	bob := w.As("bob")
	w.Hold()
	joined := bob.Put("/v1/rooms/lobby/members/bob", `{"membership":"join"}`).Is(http.StatusAccepted)
	posted := make(chan chattest.Answer)
	go func() { posted <- bob.Post(messages, `{"text":"a"}`, chattest.Wait) }()
	select {
	case a := <-posted:
		t.Fatalf("answered before the read model was there: %d %s", a.Status, a.Body)
	case <-time.After(100 * time.Millisecond):
	}
	w.Resume()
	(<-posted).Is(http.StatusCreated)

	// Where it does not get there in time, the fold decides.
	w.Hold()
	defer w.Resume()
	bob.Put("/v1/rooms/lobby/members/bob", `{"membership":"leave"}`).Is(http.StatusAccepted)
	appended := w.Log.Len()
	w.As("carol").Post(messages, `{"text":"a"}`, chattest.At(joined.Position())).Is(http.StatusAccepted)
	if w.Log.Len() != appended+1 {
		t.Errorf("%d records were appended", w.Log.Len()-appended)
	}
}

// So does one about a hidden message; where nobody can say it in time, it stays a
// refusal, since the log would take it.
func TestRefusalOfWhatIsHiddenWaitsToo(t *testing.T) {
	w, alice := lobby(t)
	patch(alice, lobbyPath, `{"settings":{"history":"joined"}}`, chattest.Wait).Is(http.StatusOK)
	hidden, _ := says(alice, "closed")
	bob := join(t, w, "bob")
	patch(alice, lobbyPath, `{"archived":true}`, chattest.Wait).Is(http.StatusOK)
	react := func() chattest.Answer { return bob.Put(hidden+"/reactions/ok", `{}`) }
	react().Problem(http.StatusConflict, "room_archived")

	w.Hold()
	appended := w.Log.Len()
	react().Problem(http.StatusConflict, "room_archived")
	alice.Delete(lobbyPath).Is(http.StatusAccepted)
	if w.Log.Len() != appended+1 {
		t.Errorf("%d records were appended", w.Log.Len()-appended)
	}
	refused := make(chan chattest.Answer)
	go func() { refused <- react() }()
	select {
	case a := <-refused:
		t.Fatalf("answered before the read model was there: %d %s", a.Status, a.Body)
	case <-time.After(100 * time.Millisecond):
	}
	w.Resume()
	(<-refused).Problem(http.StatusNotFound, "room_not_found")
}

// What lost a race is in the log, rejected, and its author can ask why, whatever
// has become of them.
func TestOutcomes(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	bob.Post(messages, `{"text":"first"}`, chattest.Wait).Is(http.StatusCreated) // bob may post: remembered
	alice.Put("/v1/rooms/lobby/members/bob", `{"membership":"ban"}`, chattest.Wait).Is(http.StatusOK)
	late := bob.Post(messages, `{"text":"late"}`).Is(http.StatusAccepted)
	where := late.Header.Get("Location")
	got := bob.Get(where, chattest.At(late.Position())).Is(http.StatusOK)
	if got.Text("status") != "rejected" || got.Text("code") != "banned" || got.Text("position") != late.Text("position") {
		t.Errorf("outcome %s", got.Body)
	}
	alice.Get(where).Problem(http.StatusNotFound, "outcome_not_found")
	bob.Post(messages, `{"text":"later"}`, chattest.Wait).Problem(http.StatusForbidden, "banned")

	w.Hold()
	defer w.Resume()
	sent := alice.Post(messages, `{"text":"a"}`).Is(http.StatusAccepted)
	if got := alice.Get(sent.Header.Get("Location")).Is(http.StatusOK); got.Text("status") != "pending" || got.Field("position") != nil {
		t.Errorf("outcome %s", got.Body)
	}
	if a := alice.Post(messages, `{"text":"b"}`, h("Prefer", "wait=1")).Is(http.StatusAccepted); a.Header.Get("Preference-Applied") != "" {
		t.Error("the wait was not long enough, and is said to have been")
	}
}

var errAway = errors.New("connection refused")

func TestLogAway(t *testing.T) {
	w, alice := lobby(t)
	before := w.Log.Len()
	w.Log.SetFault(func(context.Context, events.Message, func()) error { return errAway })
	a := alice.Post(messages, `{"text":"a"}`).Problem(http.StatusServiceUnavailable, "log_unavailable")
	if a.Field("retryable") != true || strings.Contains(string(a.Body), errAway.Error()) || w.Log.Len() != before {
		t.Errorf("problem %s", a.Body)
	}
	alice.Get(messages).Is(http.StatusOK) // reads go on
}

// The log does not answer: the outcome is not known, and becomes final.
func TestUnknownOutcome(t *testing.T) {
	unknown := fmt.Errorf("%w: timed out", eventlog.ErrUnknownOutcome)
	t.Run("it happened", func(t *testing.T) {
		w, alice := lobby(t)
		w.Log.SetFault(func(_ context.Context, _ events.Message, appendIt func()) error { appendIt(); return unknown })
		a := alice.Post(messages, `{"text":"a"}`, chattest.Key("k")).Is(http.StatusAccepted)
		if a.Field("position") != nil || a.Position() != "" || !strings.Contains(a.Header.Get("Location"), "?expires=") {
			t.Fatalf("answer %s, %v", a.Body, a.Header)
		}
		w.Log.SetFault(nil)
		again := alice.Post(messages, `{"text":"a"}`, chattest.Key("k"), chattest.Wait).Is(http.StatusCreated)
		if again.Text("id") != a.Text("event_id") || again.Field("seq") != 2.0 {
			t.Errorf("again %s", again.Body)
		}
		if o := alice.Get(a.Header.Get("Location")).Is(http.StatusOK); o.Text("status") != "accepted" {
			t.Errorf("outcome %s", o.Body)
		}
	})
	t.Run("it happened, and the client waits", func(t *testing.T) {
		w, alice := lobby(t)
		w.Log.SetFault(func(_ context.Context, _ events.Message, appendIt func()) error { appendIt(); return unknown })
		a := alice.Post(messages, `{"text":"a"}`, chattest.Wait).Is(http.StatusCreated)
		if a.Position() == "" {
			t.Error("the position is known now, and is not told")
		}
	})
	t.Run("it did not, and never will", func(t *testing.T) {
		w, alice := lobby(t)
		w.Log.SetFault(func(context.Context, events.Message, func()) error { return unknown })
		a := alice.Post(messages, `{"text":"a"}`).Is(http.StatusAccepted)
		where := a.Header.Get("Location")
		if o := alice.Get(where).Is(http.StatusOK); o.Text("status") != "pending" {
			t.Errorf("outcome %s", o.Body)
		}
		path, _, _ := strings.Cut(where, "?")
		past := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
		if o := alice.Get(path + "?expires=" + past).Is(http.StatusOK); o.Text("status") != "expired" || o.Field("position") != nil {
			t.Errorf("outcome %s", o.Body)
		}
		alice.Get(path).Problem(http.StatusNotFound, "outcome_not_found")
		w.Log.SetEndsError(errAway) // nobody can tell now
		if o := alice.Get(path + "?expires=" + past).Is(http.StatusOK); o.Text("status") != "pending" {
			t.Errorf("outcome %s", o.Body)
		}
	})
	t.Run("it came too late", func(t *testing.T) {
		w, alice := lobby(t)
		late := make(chan events.Message, 1)
		w.Log.SetFault(func(_ context.Context, m events.Message, _ func()) error { late <- m; return unknown })
		a := alice.Post(messages, `{"text":"a"}`, chattest.Key("k")).Is(http.StatusAccepted)
		at := w.Log.Append(<-late, time.Now().Add(time.Minute))
		o := alice.Get(a.Header.Get("Location"), chattest.At(at.Token())).Is(http.StatusOK)
		if o.Text("status") != "expired" || o.Text("code") != "expired" {
			t.Errorf("outcome %s", o.Body)
		}
		w.Log.SetFault(nil) // sent again under the same key, it counts
		alice.Post(messages, `{"text":"a"}`, chattest.Key("k"), chattest.Wait).Is(http.StatusCreated)
	})
}

// A log whose clock is ahead is what operators hear of.
func TestClockAhead(t *testing.T) {
	w, alice := lobby(t)
	clock := func() error { return check(t, w, "clock") }
	if err := clock(); err != nil {
		t.Fatal(err)
	}
	w.Log.SetAhead(time.Minute)
	alice.Post(messages, `{"text":"a"}`, chattest.Wait).Problem(http.StatusConflict, "expired")
	if err := clock(); err == nil {
		t.Error("a command expired, and nothing is said")
	}
	w.Log.SetAhead(8 * time.Second)
	alice.Post(messages, `{"text":"a"}`, chattest.Wait).Is(http.StatusCreated)
	until(t, func() bool {
		err := clock()
		return err != nil && strings.Contains(err.Error(), "ahead of the one here")
	})
}

// With the database away a valid token is enough, and it costs next to nothing.
func TestDatabaseAway(t *testing.T) {
	w, alice := lobby(t)
	w.Store.SetAway(errAway)
	before := w.Log.Len()
	began := time.Now()
	for i := range 20 {
		alice.Post(messages, `{"text":"a"}`, chattest.Key(fmt.Sprint(i))).Is(http.StatusAccepted)
	}
	if w.Log.Len() != before+20 || time.Since(began) > 5*time.Second {
		t.Errorf("%d of 20 in %s", w.Log.Len()-before, time.Since(began))
	}
	for _, path := range []string{messages, "/v1/rooms", "/v1/rooms/lobby/events", "/v1/rooms/lobby/outcomes/x"} {
		a := alice.Get(path).Problem(http.StatusServiceUnavailable, "read_model_unavailable")
		if strings.Contains(string(a.Body), errAway.Error()) {
			t.Errorf("internals in %s", a.Body)
		}
	}
	alice.Post(messages, `{"text":"a"}`, h("Prefer", "wait=1")).Is(http.StatusAccepted)
	w.Store.SetAway(nil)
	alice.Post(messages, `{"text":"a"}`, chattest.Wait).Is(http.StatusCreated)
}

// A parked event blocks its room and no other.
func TestBlockedRoom(t *testing.T) {
	w, alice := lobby(t)
	alice.Put("/v1/rooms/other", `{"kind":"public"}`, chattest.Wait).Is(http.StatusCreated)
	before := alice.Get("/v1/rooms/lobby").Position()
	w.Park(func(e *events.Event) bool { return e.Room == "lobby" })
	parked := alice.Post(messages, `{"text":"a"}`).Is(http.StatusAccepted)
	a := alice.Get(messages, chattest.At(parked.Position())).Problem(http.StatusServiceUnavailable, "room_blocked")
	if a.Header.Get("Retry-After") == "1" {
		t.Error("an operator is given a second")
	}
	alice.Get(messages, chattest.At(before)).Is(http.StatusOK)
	alice.Get(messages).Is(http.StatusOK)
	alice.Post(messages, `{"text":"b"}`, chattest.Wait).Problem(http.StatusServiceUnavailable, "room_blocked")
	if o := alice.Get(parked.Header.Get("Location")).Is(http.StatusOK); o.Text("status") != "pending" {
		t.Errorf("outcome %s", o.Body)
	}
	// Nobody is refused by what the room was before.
	w.As("bob").Post(messages, `{"text":"b"}`).Is(http.StatusAccepted)
	alice.Post("/v1/rooms/other/messages", `{"text":"a"}`, chattest.At(parked.Position()), chattest.Wait).Is(http.StatusCreated)
}

// A private room whose event waits for an operator is to strangers as one that
// is not there.
func TestBlockedRoomIsHidden(t *testing.T) {
	const den = "/v1/rooms/den"
	w := chattest.Start(t)
	alice, eve, bob := w.As("alice"), w.As("eve"), w.As("bob")
	alice.Put(den, `{"kind":"private"}`, chattest.Wait).Is(http.StatusCreated)
	alice.Put(den+"/members/bob", `{"membership":"invite"}`, chattest.Wait).Is(http.StatusOK)
	w.Park(func(e *events.Event) bool { return e.Room == "den" })
	parked := alice.Post(den+"/messages", `{"text":"a"}`).Is(http.StatusAccepted)
	at := chattest.At(parked.Position())
	for _, c := range []*chattest.Client{alice, bob} {
		c.Get(den, at).Problem(http.StatusServiceUnavailable, "room_blocked")
	}
	alice.Get(parked.Header.Get("Location"), at).Is(http.StatusOK)

	id := h("X-Request-Id", "same")
	for _, r := range []struct {
		method, path string
		body         any
	}{
		{http.MethodGet, "", nil},
		{http.MethodGet, "/messages", nil},
		{http.MethodGet, "/events", nil},
		{http.MethodGet, "/outcomes/" + parked.Text("event_id"), nil},
		{http.MethodPost, "/messages", `{"text":"a"}`},
		{http.MethodPut, "/members/eve", `{"membership":"join"}`},
		{http.MethodPut, "/members/alice", `{"membership":"leave"}`},
	} {
		there := eve.Do(r.method, den+r.path, r.body, id, at, h("Prefer", "wait=5"))
		nowhere := eve.Do(r.method, "/v1/rooms/nowhere"+r.path, r.body, id, at, h("Prefer", "wait=5"))
		if there.Status != http.StatusNotFound || string(there.Body) != string(nowhere.Body) {
			t.Errorf("%s %s: %d %s, and where there is none %d %s", r.method, r.path, there.Status, there.Body, nowhere.Status, nowhere.Body)
		}
	}
	eve.Put(den, `{"kind":"private"}`).Problem(http.StatusConflict, "room_id_taken")

	// Where the look before was not possible, the verdict is not told either.
	w.Store.SetAway(errAway)
	sent := make(chan chattest.Answer)
	before := w.Log.Len()
	go func() { sent <- eve.Post(den+"/messages", `{"text":"a"}`, chattest.Wait) }()
	until(t, func() bool { return w.Log.Len() > before })
	w.Store.SetAway(nil)
	(<-sent).Problem(http.StatusNotFound, "room_not_found")

	// An author's own is pending, whatever became of them.
	if o := eve.Get(den + "/outcomes/" + lastID(w)).Is(http.StatusOK); o.Text("status") != "pending" {
		t.Errorf("outcome %s", o.Body)
	}
}

// lastID is the id of the last event of the den's partition.
func lastID(w *chattest.World) string {
	all := w.Log.Records(w.PartitionOf("den"))
	e, err := events.Decode(all[len(all)-1].Message)
	if err != nil {
		w.T.Fatal(err)
	}
	return string(e.ID)
}
