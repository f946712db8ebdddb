package chat_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

func actAs(user string) header { return h(auth.ActAsHeader, user) }

// A service does in a person's name what the person may do, and no more.
func TestServiceActsForAPerson(t *testing.T) {
	w, alice := lobby(t)
	bot := w.As("bot", claim("scope", "service"))
	sent := bot.Post(messages, `{"text":"a"}`, actAs("alice"), chattest.Key("k"), chattest.Wait).Is(http.StatusCreated)
	if sent.Text("sender") != "alice" {
		t.Errorf("message %s", sent.Body)
	}
	again := alice.Post(messages, `{"text":"a"}`, chattest.Key("k"), chattest.Wait).Is(http.StatusCreated)
	if again.Text("id") != sent.Text("id") {
		t.Error("the same command has another id when its sender sends it")
	}
	outcome := "/v1/rooms/lobby/outcomes/" + sent.Text("id")
	bot.Get(outcome, actAs("alice")).Is(http.StatusOK)
	bot.Get(outcome).Problem(http.StatusNotFound, "outcome_not_found")
	bot.Post(messages, `{"text":"a"}`, actAs("mallory")).Problem(http.StatusForbidden, "not_a_member")
	bot.Post(messages, `{"text":"a"}`).Problem(http.StatusForbidden, "not_a_member")

	me := bot.Get("/v1/me", actAs("alice")).Is(http.StatusOK)
	if me.Text("user") != "alice" || me.Text("actor") != "bot" {
		t.Errorf("me %s", me.Body)
	}
	elsewhere := w.As("bot", claim("scope", "service"), claim("tenant", "acme"))
	elsewhere.Post(messages, `{"text":"a"}`, actAs("alice")).Problem(http.StatusNotFound, "room_not_found")
}

func TestActingIsRefused(t *testing.T) {
	w, alice := lobby(t)
	bot := w.As("bot", claim("scope", "service"))
	alice.Post(messages, `{"text":"a"}`, actAs("alice")).Problem(http.StatusForbidden, "insufficient_scope")
	alice.Get(messages, actAs("bob")).Problem(http.StatusForbidden, "insufficient_scope")
	w.As("bot", claim("scope", "service read")).Post(messages, `{"text":"a"}`, actAs("alice")).Problem(http.StatusForbidden, "insufficient_scope")
	for _, user := range []string{"", "a b", ".."} {
		if a := bot.Get(messages, actAs(user)).Problem(http.StatusBadRequest, "invalid_id"); a.Text("field") != auth.ActAsHeader {
			t.Errorf("%q: %s", user, a.Body)
		}
	}
}

func TestScopesOfAToken(t *testing.T) {
	w := chattest.Start(t)
	for scope, want := range map[any]string{
		nil: "[read write]", "read": "[read]", "write read": "[read write]", "": "[]", "openid": "[]",
		"service": "[read write service]", "service openid": "[read write service]", "service read": "[read service]",
	} {
		if got := fmt.Sprint(w.As("alice", claim("scope", scope)).Get("/v1/me").Is(http.StatusOK).Field("scopes")); got != want {
			t.Errorf("%v gives %s, want %s", scope, got, want)
		}
	}
}
