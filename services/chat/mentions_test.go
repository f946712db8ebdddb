package chat_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

const toThoseHere = `{"text":"lunch","mentions_here":true}`

// shows waits until a replica knows that people are there, members of the lobby or not.
func shows(t *testing.T, c *chattest.Client, room string, there ...string) {
	t.Helper()
	until(t, func() bool {
		var page struct {
			Items []struct{ User, Presence string }
		}
		c.Get("/v1/rooms/" + room + "/presence?limit=200").Is(http.StatusOK).Into(&page)
		var online []string
		for _, p := range page.Items {
			if p.Presence == "online" {
				online = append(online, p.User)
			}
		}
		return slices.Equal(online, there)
	})
}

// standing takes a person through memberships of a room.
func standing(t *testing.T, w *chattest.World, room, user string, memberships ...string) {
	t.Helper()
	for _, m := range memberships {
		w.As(user).Put("/v1/rooms/"+room+"/members/"+user, `{"membership":"`+m+`"}`, chattest.Wait).Is(http.StatusOK)
	}
}

// mentionedIn gives how many messages of the lobby mention people, in the order in which
// they are named.
func mentionedIn(clients ...*chattest.Client) (counts []int) {
	for _, c := range clients {
		counts = append(counts, roomsOf(c, "")[0].Mentions)
	}
	return counts
}

func TestMentionsOfWhoIsHere(t *testing.T) {
	w, alice := lobby(t)
	other := w.Replica()
	bob, carol, dan := join(t, w, "bob"), join(t, w, "carol"), join(t, w, "dan")
	eve := w.As("eve") // not of the lobby
	makeRoom(t, eve, "den", `{"kind":"public"}`)
	standing(t, w, "den", "frank", "join")
	standing(t, w, "den", "carol", "join", "leave")
	for _, s := range []*chattest.Stream{
		alice.Follow(allPath, false), bob.Follow(allPath, false), other.As("carol").Follow(allPath, false), eve.Follow(allPath, false),
		w.As("frank").Follow(allPath, false),
	} {
		t.Cleanup(s.Close)
	}
	for _, replica := range []*chattest.World{w, other} {
		shows(t, replica.As("alice"), "lobby", "alice", "bob", "carol")
		shows(t, replica.As("eve"), "den", "eve", "frank")
	}

	bob.Post(messages, `{"text":"hello"}`, chattest.Wait).Is(http.StatusCreated)
	bob.Post(messages, toThoseHere).Problem(http.StatusForbidden, "forbidden")
	var m shown
	alice.Post(messages, `{"text":"lunch","mentions":["carol","zoe"],"mentions_here":true}`, chattest.Wait).Is(http.StatusCreated).Into(&m)
	path := messages + "/" + m.ID
	if !m.MentionsHere || fmt.Sprint(m.Mentions) != "[carol zoe bob]" {
		t.Errorf("%+v", m)
	}
	if got := mentionedIn(alice, bob, carol, dan); fmt.Sprint(got) != "[0 1 1 0]" {
		t.Errorf("mentions of alice, bob, carol, dan: %v", got)
	}

	// Of a room with fewer members than there are people, too.
	eve.Post("/v1/rooms/den/messages", toThoseHere, chattest.Wait).Is(http.StatusCreated).Into(&m)
	if fmt.Sprint(m.Mentions) != "[frank]" {
		t.Errorf("%+v", m)
	}

	var page struct {
		Items []struct{ User string }
		Next  *string
	}
	eve.Get("/v1/rooms/den/presence?limit=1").Is(http.StatusOK).Into(&page)
	if len(page.Items) != 1 || page.Items[0].User != "eve" || page.Next == nil {
		t.Fatalf("the first page has %+v", page)
	}
	next := *page.Next
	page.Next = nil
	eve.Get("/v1/rooms/den/presence?limit=1&after=" + next).Is(http.StatusOK).Into(&page)
	if len(page.Items) != 1 || page.Items[0].User != "frank" || page.Next != nil {
		t.Errorf("the second page has %+v", page)
	}

	// Who comes later is not mentioned by an edit; only where those here are mentioned anew.
	t.Cleanup(dan.Follow(allPath, false).Close)
	shows(t, alice, "lobby", "alice", "bob", "carol", "dan")
	for _, edit := range []struct{ patch, mentions, counts string }{
		{`{"text":"dinner"}`, "[carol zoe bob]", "[0 1 1 0]"},
		{`{"mentions_here":true}`, "[carol zoe bob]", "[0 1 1 0]"},
		{`{"mentions_here":null,"mentions":["bob"]}`, "[bob]", "[0 1 0 0]"},
		{`{"mentions_here":true}`, "[bob carol dan]", "[0 1 1 1]"},
		{`{"mentions_here":false,"mentions":null}`, "[]", "[0 0 0 0]"},
	} {
		var got shown
		patch(alice, path, edit.patch, chattest.Wait).Is(http.StatusOK).Into(&got)
		if counts := fmt.Sprint(mentionedIn(alice, bob, carol, dan)); fmt.Sprint(got.Mentions) != edit.mentions || counts != edit.counts {
			t.Errorf("%s: %+v, mentions %s", edit.patch, got, counts)
		}
	}
	own, _ := says(bob, "none")
	patch(bob, own, `{"mentions_here":true}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")

	// Without the read model nobody can say who is here: only that waits.
	w.Store.SetAway(errors.New("away"))
	before := w.Log.Len()
	alice.Post(messages, toThoseHere).Problem(http.StatusServiceUnavailable, "read_model_unavailable")
	if w.Log.Len() != before {
		t.Error("it was sent all the same")
	}
	alice.Post(messages, `{"text":"hello"}`).Is(http.StatusAccepted)
	w.Store.SetAway(nil)
}

// A command that is repeated is the same, whoever has come and gone since.
func TestMentionsOfWhoWasHere(t *testing.T) {
	w, alice := lobby(t)
	other := w.Replica()
	bob, carol := join(t, w, "bob"), join(t, w, "carol")
	there := bob.Follow(allPath, false)
	shows(t, alice, "lobby", "bob")
	shows(t, other.As("alice"), "lobby", "bob")

	w.Hold()
	t.Cleanup(w.Resume)
	first := alice.Post(messages, toThoseHere, chattest.Key("k")).Is(http.StatusAccepted)
	there.Close()
	until(t, func() bool { return counted(t, w, "roomlog_http_request_seconds", "/v1/events") }) // the server has seen it
	t.Cleanup(carol.Follow(allPath, false).Close)
	w.Pass(20 * time.Second) // more than bob's grace
	shows(t, other.As("alice"), "lobby", "carol")
	// Nobody knows of the first yet: the log has both.
	again := other.As("alice").Post(messages, toThoseHere, chattest.Key("k")).Is(http.StatusAccepted)
	if again.Text("event_id") != first.Text("event_id") || again.Text("position") == first.Text("position") {
		t.Fatalf("first %s, again %s", first.Body, again.Body)
	}
	w.Resume()
	outcome := alice.Get(again.Header.Get("Location"), chattest.At(again.Position())).Is(http.StatusOK)
	if outcome.Text("status") != "accepted" {
		t.Errorf("%s", outcome.Body)
	}
	appended := w.Log.Len()
	m := other.As("alice").Post(messages, toThoseHere, chattest.Key("k"), chattest.Wait, chattest.At(again.Position())).Is(http.StatusCreated)
	var got shown
	if m.Into(&got); fmt.Sprint(got.Mentions) != "[bob]" || w.Log.Len() != appended {
		t.Errorf("%s", m.Body)
	}
	if counts := mentionedIn(bob, carol); fmt.Sprint(counts) != "[1 0]" {
		t.Errorf("mentions of bob, carol: %v", counts)
	}
	alice.Post(messages, `{"text":"lunch"}`, chattest.Key("k")).Problem(http.StatusUnprocessableEntity, "idempotency_key_reused")
}

// A message mentions a thousand people at most, and as many as an event can name.
func TestMentionsOfMany(t *testing.T) {
	w, alice := lobby(t)
	const many = events.MaxMentions + 5
	var users []string
	for i := range many {
		users = append(users, fmt.Sprintf("user-%04d", i))
	}
	w.Join("lobby", users...)
	w.Arrive(users...)
	at := alice.Put(lobbyPath+"/read", `{"seq":0}`, chattest.Wait).Is(http.StatusOK).Position()
	until(t, func() bool {
		var page messagePage
		alice.Get(lobbyPath+"/presence?limit=1&after=user-1003", chattest.At(at)).Is(http.StatusOK).Into(&page)
		return len(page.Items) == 1
	})
	var m shown
	alice.Post(messages, `{"text":"lunch","mentions":["zoe"],"mentions_here":true}`, chattest.Wait).Is(http.StatusCreated).Into(&m)
	if len(m.Mentions) != events.MaxMentions || m.Mentions[0] != "zoe" || m.Mentions[1] != users[0] || m.Mentions[999] != users[998] {
		t.Errorf("%d mentions", len(m.Mentions))
	}
	// A text of which each byte takes six in an event leaves room for some.
	body := `{"text":"` + strings.Repeat(`\u0001`, 10_000) + `","mentions_here":true}`
	alice.Post(messages, body, chattest.Wait).Is(http.StatusCreated).Into(&m)
	if n := len(m.Mentions); n < 100 || n >= events.MaxMentions || !slices.IsSorted(m.Mentions) {
		t.Errorf("%d mentions", n)
	}
}
