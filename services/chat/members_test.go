package chat_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// memberView is a member as an answer shows it.
type memberView struct {
	User, Membership, Role string
	SinceSeq               int  `json:"since_seq"`
	ReadSeq                *int `json:"read_seq"`
	DeliveredSeq           *int `json:"delivered_seq"`
	Preferences            *preferencesView
	Until                  *time.Time
}

type preferencesView struct{ Muted, Hidden, Archived bool }

func memberOf(a chattest.Answer) (m memberView) {
	a.Into(&m)
	return m
}

// private starts a world with a private room of alice's that takes knocks.
func private(t *testing.T) (*chattest.World, *chattest.Client) {
	t.Helper()
	w := chattest.Start(t)
	alice := w.As("alice")
	alice.Put(theLobby, `{"kind":"private","settings":{"knocks":true}}`, chattest.Wait).Is(http.StatusCreated)
	return w, alice
}

func TestKnocking(t *testing.T) {
	w, alice := private(t)
	bob, carol := w.As("bob"), w.As("carol")
	own, carols := theLobby+"/members/bob", theLobby+"/members/carol"
	bob.Get(own).Problem(http.StatusNotFound, "room_not_found")
	if m := memberOf(bob.Put(own, `{"membership":"knock","reason":"it's me"}`, chattest.Wait).Is(http.StatusOK)); m.Membership != "knock" {
		t.Errorf("%+v", m)
	}
	// Who waits sees that they wait, and no more.
	if m := memberOf(bob.Get(own).Is(http.StatusOK)); m.Membership != "knock" {
		t.Errorf("%+v", m)
	}
	bob.Get(theLobby).Problem(http.StatusNotFound, "room_not_found")
	bob.Get(theLobby+"/members/alice").Problem(http.StatusNotFound, "room_not_found")
	bob.Get(theLobby+"/members").Problem(http.StatusNotFound, "room_not_found")
	bob.Put(own, `{"membership":"join"}`, chattest.Wait).Problem(http.StatusNotFound, "room_not_found")
	if m := memberOf(alice.Get(own).Is(http.StatusOK)); m.Membership != "knock" {
		t.Errorf("%+v", m)
	}
	if m := memberOf(alice.Put(own, `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)); m.Membership != "join" || m.Role != "member" {
		t.Errorf("%+v", m)
	}
	bob.Get(theLobby).Is(http.StatusOK)
	bob.Put(own, `{"membership":"knock"}`, chattest.Wait).Problem(http.StatusConflict, "user_joined")

	carol.Put(carols, `{"membership":"knock"}`, chattest.Wait).Is(http.StatusOK)
	bob.Put(carols, `{"membership":"leave"}`, chattest.Wait).Is(http.StatusOK) // turned away by who may invite
	carol.Get(carols).Problem(http.StatusNotFound, "room_not_found")
	alice.Patch(theLobby, `{"settings":{"knocks":false}}`, chattest.Wait).Is(http.StatusOK)
	carol.Put(carols, `{"membership":"knock"}`, chattest.Wait).Problem(http.StatusNotFound, "room_not_found")
}

func TestGuests(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	bobs := theLobby + "/members/bob"
	alice.Put(bobs, `{"membership":"join","role":"visitor"}`).Problem(http.StatusBadRequest, "invalid_field")
	if m := memberOf(alice.Put(bobs, `{"membership":"join","role":"guest"}`, chattest.Wait).Is(http.StatusOK)); m.Role != "guest" {
		t.Errorf("%+v", m)
	}
	bob.Post(messages, `{"text":"hello"}`, chattest.Wait).Is(http.StatusCreated)
	bob.Put(theLobby+"/members/carol", `{"membership":"invite"}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
	alice.Patch(theLobby, `{"settings":{"permissions":{"invite":"guest","post":"member"}}}`, chattest.Wait).Is(http.StatusOK)
	bob.Put(theLobby+"/members/carol", `{"membership":"invite"}`, chattest.Wait).Is(http.StatusOK)
	bob.Post(messages, `{"text":"hello"}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
	bob.Put(bobs, `{"membership":"join","role":"member"}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
}

func TestBanWithAnEnd(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	bobs := theLobby + "/members/bob"
	end := time.Now().Add(time.Second)
	body, err := json.Marshal(map[string]any{"membership": "ban", "reason": "spam", "until": end})
	if err != nil {
		t.Fatal(err)
	}
	if m := memberOf(alice.Put(bobs, body, chattest.Wait).Is(http.StatusOK)); m.Membership != "ban" || m.Until == nil || !m.Until.Equal(end.Truncate(time.Millisecond)) {
		t.Errorf("%+v", m)
	}
	bob.Put(bobs, `{"membership":"join"}`, chattest.Wait).Problem(http.StatusForbidden, "banned")
	alice.Put(bobs, `{"membership":"leave","until":"2030-01-01T00:00:00Z"}`).Problem(http.StatusBadRequest, "invalid_field")
	until(t, func() bool { return time.Now().After(end) })
	if m := memberOf(alice.Get(bobs).Is(http.StatusOK)); m.Membership != "leave" || m.Until != nil {
		t.Errorf("%+v", m)
	}
	bob.Put(bobs, `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
}

func TestSlowMode(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	alice.Patch(theLobby, `{"settings":{"slow_mode":3600}}`, chattest.Wait).Is(http.StatusOK)
	bob.Post(messages, `{"text":"one"}`, chattest.Wait).Is(http.StatusCreated)
	slow := bob.Post(messages, `{"text":"two"}`, chattest.Wait).Problem(http.StatusTooManyRequests, "slow_mode")
	if after := slow.Header.Get("Retry-After"); after < "3590" || after > "3600" || len(after) != 4 {
		t.Errorf("Retry-After %s", after)
	}
	// Racing messages pass the look before, and the fold has one of them.
	w.As("carol").Put(theLobby+"/members/carol", `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
	w.Hold()
	codes := make(chan chattest.Answer, 2)
	for range 2 {
		go func() { codes <- w.As("carol").Post(messages, `{"text":"x"}`, chattest.Wait) }()
	}
	records := w.Log.Len()
	until(t, func() bool { return w.Log.Len() == records+2 })
	w.Resume()
	a, b := <-codes, <-codes
	if a.Status == http.StatusCreated {
		a, b = b, a
	}
	b.Is(http.StatusCreated)
	if after := a.Problem(http.StatusTooManyRequests, "slow_mode").Header.Get("Retry-After"); after < "3590" || after > "3600" || len(after) != 4 {
		t.Errorf("Retry-After %s", after)
	}
	for range 3 {
		alice.Post(messages, `{"text":"owners need not wait"}`, chattest.Wait).Is(http.StatusCreated)
	}
}

// Marks and preferences are a person's own; marks are the room's where it says so.
func TestMarksOfOthers(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	for range 3 {
		alice.Post(messages, `{"text":"hello"}`, chattest.Wait).Is(http.StatusCreated)
	}
	bob.Put(theLobby+"/read", `{"seq":4}`, chattest.Wait).Is(http.StatusOK)
	bob.Put(theLobby+"/preferences", `{"muted":true}`, chattest.Wait).Is(http.StatusOK)
	seen := func(c *chattest.Client) (m memberView) {
		t.Helper()
		m = memberOf(c.Get(theLobby + "/members/bob").Is(http.StatusOK))
		var page struct{ Items []memberView }
		c.Get(theLobby + "/members").Into(&page)
		for _, listed := range page.Items {
			if listed.User == "bob" && (listed.ReadSeq == nil) != (m.ReadSeq == nil) {
				t.Errorf("one %+v, listed %+v", m, listed)
			}
		}
		return m
	}
	if m := seen(bob); m.ReadSeq == nil || *m.ReadSeq != 4 || *m.DeliveredSeq != 4 || m.Preferences == nil || !m.Preferences.Muted {
		t.Errorf("own %+v", m)
	}
	if m := seen(alice); m.ReadSeq != nil || m.DeliveredSeq != nil || m.Preferences != nil {
		t.Errorf("another's %+v", m)
	}
	alice.Patch(theLobby, `{"settings":{"read_marks":"shared"}}`, chattest.Wait).Is(http.StatusOK)
	if m := seen(alice); m.ReadSeq == nil || *m.ReadSeq != 4 || *m.DeliveredSeq != 4 || m.Preferences != nil {
		t.Errorf("another's, shared %+v", m)
	}
	bob.Put(theLobby+"/members/bob", `{"membership":"leave"}`, chattest.Wait).Is(http.StatusOK)
	if m := seen(alice); m.ReadSeq != nil || m.Preferences != nil {
		t.Errorf("of one who left %+v", m)
	}
}
