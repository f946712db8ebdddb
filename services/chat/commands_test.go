package chat_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

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

// That somebody may post is remembered until the fold says otherwise, and no longer.
func TestWhoIsBannedIsRefused(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	bob.Post(messages, `{"text":"first"}`, chattest.Wait).Is(http.StatusCreated)
	bob.Post(messages, `{"text":"second"}`).Is(http.StatusAccepted) // remembered
	alice.Put("/v1/rooms/lobby/members/bob", `{"membership":"ban"}`, chattest.Wait).Is(http.StatusOK)
	banned := time.Now()
	for {
		a := bob.Post(messages, `{"text":"late"}`)
		if a.Status == http.StatusForbidden {
			return
		}
		a.Is(http.StatusAccepted)               // the tables may have been read before the timeline told
		if time.Since(banned) > 2*time.Second { // less than what nobody hears of is remembered for
			t.Fatal("who is banned may still post")
		}
	}
}

// What lost a race is in the log, rejected, and its author can ask why, whatever
// has become of them.
func TestOutcomes(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	bob.Post(messages, `{"text":"first"}`, chattest.Wait).Is(http.StatusCreated) // bob may post: remembered
	w.Hold()
	alice.Put("/v1/rooms/lobby/members/bob", `{"membership":"ban"}`).Is(http.StatusAccepted)
	late := bob.Post(messages, `{"text":"late"}`).Is(http.StatusAccepted)
	w.Resume()
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

// lastID is the id of the last event of the den's partition.
func lastID(w *chattest.World) string {
	all := w.Log.Records(w.PartitionOf("den"))
	e, err := events.Decode(all[len(all)-1].Message)
	if err != nil {
		w.T.Fatal(err)
	}
	return string(e.ID)
}
