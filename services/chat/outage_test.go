package chat_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

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
	t.Run("it happened, was rejected, and the client waits", func(t *testing.T) {
		w, alice := lobby(t)
		join(t, w, "bob")
		w.Hold()
		alice.Put("/v1/rooms/lobby/members/alice", `{"membership":"leave"}`).Is(http.StatusAccepted)
		w.Log.SetFault(func(_ context.Context, _ events.Message, appendIt func()) error {
			appendIt()
			w.Resume()
			return unknown
		})
		a := alice.Post(messages, `{"text":"a"}`, chattest.Key("k"), chattest.Wait).Problem(http.StatusForbidden, "not_a_member")
		w.Log.SetFault(nil)
		again := alice.Post(messages, `{"text":"a"}`, chattest.Key("k"), chattest.Wait).Problem(http.StatusForbidden, "not_a_member")
		if a.Position() == "" || a.Position() != again.Position() {
			t.Errorf("the key's verdict stands at %q, and at %q when it is sent again", a.Position(), again.Position())
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
