package chat_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// limited sends something n times and counts how often it is too much. Buckets fill
// meanwhile, on a slow machine by more than one.
func limited(n int, send func() chattest.Answer) (refused int) {
	for range n {
		if a := send(); a.Status == http.StatusTooManyRequests {
			a.Problem(http.StatusTooManyRequests, "rate_limited")
			refused++
		}
	}
	return refused
}

func posting(c *chattest.Client) func() chattest.Answer {
	return func() chattest.Answer { return c.Post(messages, `{"text":"a"}`) }
}

func TestRateLimit(t *testing.T) {
	w, alice := lobby(t, func(c *chat.Config) { c.Rate, c.Burst = 1, 3 })
	if n := limited(6, posting(alice)); n < 2 {
		t.Errorf("%d were limited", n)
	}
	w.As("bob").Put("/v1/rooms/lobby/members/bob", `{"membership":"join"}`).Is(http.StatusAccepted)
	w.As("alice", claim("tenant", "acme")).Put("/v1/rooms/other", `{"kind":"public"}`).Is(http.StatusAccepted)
	if got := alice.Get(messages).Is(http.StatusOK).Header.Get("RateLimit"); !strings.HasPrefix(got, `"reads";`) {
		t.Errorf("reads count as %s", got)
	}
}

func TestReadLimit(t *testing.T) {
	_, alice := lobby(t, func(c *chat.Config) { c.ReadRate, c.ReadBurst = 1, 2 })
	if n := limited(6, func() chattest.Answer { return alice.Get("/v1/me") }); n < 2 || n > 4 {
		t.Errorf("%d were limited", n)
	}
	alice.Post(messages, `{"text":"a"}`).Is(http.StatusAccepted)
}

var leftOf = regexp.MustCompile(`^"commands";r=1[89];t=[12], "room";r=([89]|10);t=[01]$`)

func TestRateLimitHeaders(t *testing.T) {
	_, alice := lobby(t, func(c *chat.Config) { c.Rate, c.Burst, c.RoomRate, c.RoomBurst = 1, 20, 2, 10 }) // the room's making took one of each
	a := alice.Post(messages, `{"text":"a"}`).Is(http.StatusAccepted)
	if got := a.Header.Get("RateLimit-Policy"); got != `"commands";q=20;w=20, "room";q=10;w=5` {
		t.Errorf("policies %s", got)
	}
	if got := a.Header.Get("RateLimit"); !leftOf.MatchString(got) {
		t.Errorf("left %s", got)
	}
	until(t, func() bool { a = posting(alice)(); return a.Status == http.StatusTooManyRequests })
	if a.Header.Get("Retry-After") != "1" || !strings.Contains(a.Header.Get("RateLimit"), `"room";r=0;`) {
		t.Errorf("too much: %v", a.Header)
	}
}

// What a room takes is shared by its members; strangers cannot use it up.
func TestRoomLimit(t *testing.T) {
	w, alice := lobby(t, func(c *chat.Config) { c.RoomRate, c.RoomBurst = 1, 4 })
	bob := join(t, w, "bob") // the room has taken two
	for range 10 {
		w.As("mallory").Post(messages, `{"text":"a"}`).Problem(http.StatusForbidden, "not_a_member")
	}
	posting(alice)().Is(http.StatusAccepted)
	posting(bob)().Is(http.StatusAccepted)
	if n := limited(4, posting(alice)) + limited(4, posting(bob)); n < 4 {
		t.Errorf("%d of 8 were limited", n)
	}
	alice.Put("/v1/rooms/other", `{"kind":"public"}`).Is(http.StatusAccepted)
}

// What is too much is refused before the body is there.
func TestLimitBeforeTheBody(t *testing.T) {
	_, alice := lobby(t, func(c *chat.Config) { c.Rate, c.Burst = 1, 1 })
	if n := limited(6, func() chattest.Answer { return alice.Post(messages, "no JSON") }); n < 3 {
		t.Errorf("%d were limited", n)
	}
}

// Nobody can say who may send while the database is away: each may send less.
func TestUncheckedLimit(t *testing.T) {
	w, alice := lobby(t, func(c *chat.Config) { c.UncheckedRate, c.UncheckedBurst = 1, 3 })
	w.Store.SetAway(errAway)
	if n := limited(8, posting(alice)); n < 2 {
		t.Errorf("%d were limited", n)
	}
	w.As("bob").Post(messages, `{"text":"a"}`).Is(http.StatusAccepted)
	w.Store.SetAway(nil)
	until(t, func() bool { return alice.Post(messages, `{"text":"a"}`).Status == http.StatusAccepted })
	for range 6 {
		alice.Post(messages, `{"text":"a"}`).Is(http.StatusAccepted)
	}
}

func TestTooManyRequests(t *testing.T) {
	w, alice := lobby(t, func(c *chat.Config) { c.MaxRequests = 2 })
	alice.Follow(eventsPath, false)
	s := alice.Follow(eventsPath, false)
	alice.Get("/v1/me").Problem(http.StatusTooManyRequests, "too_many_requests")
	w.As("bob").Get("/v1/me").Is(http.StatusOK)
	s.Close()
	until(t, func() bool { return alice.Get("/v1/me").Status == http.StatusOK })
}
