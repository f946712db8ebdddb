package chat_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/auth/authtest"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// moment is the one before which tokens are revoked here.
var moment = time.Now().Add(-time.Minute).UTC().Truncate(time.Second)

// issued is a claim of when a token was issued, as seen from the moment.
func issued(since time.Duration) func(jwt.MapClaims) { return claim("iat", moment.Add(since).Unix()) }

func revocation() string {
	return fmt.Sprintf(`{"revoked_before":%q}`, moment.Format("2006-01-02T15:04:05.000Z"))
}

func tokensOf(user string) string { return "/v1/users/" + user + "/tokens" }

// What was issued before is refused, and what does not say when: of the person, in
// the tenant, whoever signed it; for others all is as before.
func TestRevokedTokens(t *testing.T) {
	i := authtest.NewIssuer(t)
	k := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	i.SetKeys(authtest.Key("k", "", k))
	w := chattest.Start(t, func(c *chat.Config) { c.JWKS = []chat.Issuer{{URL: i.URL}} })
	theirs := func(iat time.Duration) header {
		return bearer(i.Sign("k", "EdDSA", k, map[string]any{"iat": moment.Add(iat).Unix()}))
	}
	before, after := w.As("alice", issued(-time.Second)), w.As("alice", issued(0))
	before.Get("/v1/me", theirs(-time.Second)).Is(http.StatusOK)

	answer := before.Put(tokensOf("alice"), revocation(), chattest.Wait).Is(http.StatusOK)
	if answer.Text("user") != "alice" || answer.Text("revoked_before") != moment.Format("2006-01-02T15:04:05.000Z") {
		t.Errorf("answer %s", answer.Body)
	}
	for name, a := range map[string]chattest.Answer{
		"before": before.Get("/v1/me"), "no time": w.As("alice").Get("/v1/me"), "an issuer's": before.Get("/v1/me", theirs(-time.Second)),
		"a service's": w.As("alice", issued(-time.Second), claim("scope", "service")).Get("/v1/me", actAs("bob")),
	} {
		if a.Status != http.StatusUnauthorized || a.Text("code") != "token_revoked" {
			t.Errorf("%s: %s", name, a.Body)
		}
	}
	after.Get("/v1/me").Is(http.StatusOK)
	after.Get("/v1/me", theirs(0)).Is(http.StatusOK)
	w.As("bob", issued(-time.Second)).Get("/v1/me").Is(http.StatusOK)
	w.As("alice", issued(-time.Second), claim("tenant", "acme")).Get("/v1/me").Is(http.StatusOK)
	w.As("bot", issued(-time.Second), claim("scope", "service")).Get("/v1/me", actAs("alice")).Is(http.StatusOK)

	// The moment does not go back.
	after.Put(tokensOf("alice"), `{"revoked_before":"2001-01-01T00:00:00Z"}`, chattest.Wait).Is(http.StatusOK)
	before.Get("/v1/me").Problem(http.StatusUnauthorized, "token_revoked")
}

func TestWhoRevokes(t *testing.T) {
	w := chattest.Start(t)
	bot := w.As("bot", claim("scope", "service"))
	bot.Put(tokensOf("bob"), revocation(), actAs("alice")).Problem(http.StatusForbidden, "insufficient_scope")
	w.As("alice").Put(tokensOf("bob"), revocation()).Problem(http.StatusForbidden, "insufficient_scope")
	bot.Put(tokensOf("bob"), revocation(), actAs("bob"), chattest.Wait).Is(http.StatusOK)
	sent := bot.Put(tokensOf("alice"), revocation()).Is(http.StatusAccepted)
	if o := bot.Get(sent.Header.Get("Location"), chattest.At(sent.Position())).Is(http.StatusOK); o.Text("status") != "accepted" {
		t.Errorf("outcome %s", o.Body)
	}
	for body, code := range map[string]string{
		`{}`: "missing_field", `{"revoked_before":"1969-01-01T00:00:00Z"}`: "invalid_field", `{"revoked_before":7}`: "invalid_field",
	} {
		bot.Put(tokensOf("bob"), body).Problem(http.StatusBadRequest, code)
	}
}

// A revocation reaches every replica and ends the streams of the tokens, also where
// the timeline loses it; a replica that starts afterwards has read of it.
func TestRevocationReachesReplicas(t *testing.T) {
	for name, lost := range map[string]bool{"told": false, "lost": true} {
		t.Run(name, func(t *testing.T) {
			w := chattest.Start(t)
			w.As("alice", issued(0)).Put("/v1/rooms/lobby", `{"kind":"public"}`, chattest.Wait).Is(http.StatusCreated)
			other := w.Replica()
			before, after := other.As("alice", issued(-time.Second)), other.As("alice", issued(0))
			streams := []*chattest.Stream{
				before.Follow(eventsPath, false), before.Follow("/v1/events", false), w.As("alice", issued(-time.Second)).Follow(eventsPath, false),
			}
			stays := after.Follow(eventsPath, false)
			polled := make(chan chattest.Answer)
			for _, path := range []string{eventsPath + "?after=9&wait=30", "/v1/events?wait=30"} {
				go func() { polled <- before.Get(path) }()
			}
			until(t, func() bool { return other.Followers() == 5 }) // streams and polls
			if lost {
				w.Drop(func(c timeline.Commit) bool { return len(c.Revocations) > 0 })
			}
			w.As("alice", issued(0)).Put(tokensOf("alice"), revocation()).Is(http.StatusAccepted)
			for _, s := range streams {
				if code := endOf(t, s); code != "token_revoked" {
					t.Errorf("a stream ends with %q", code)
				}
			}
			for range 2 {
				(<-polled).Problem(http.StatusUnauthorized, "token_revoked")
			}
			before.Get("/v1/me").Problem(http.StatusUnauthorized, "token_revoked")
			say(t, after, 1)
			are(t, stays.IDs(2), 1)

			third := w.Replica()
			third.As("alice", issued(-time.Second)).Get("/v1/me").Problem(http.StatusUnauthorized, "token_revoked")
			third.As("alice", issued(0)).Get("/v1/me").Is(http.StatusOK)
			if err := check(t, third, "revocations"); err != nil {
				t.Error(err)
			}

			// What is known holds while the tables are away.
			third.Store.SetAway(errors.New("away"))
			third.As("alice", issued(-time.Second)).Get("/v1/me").Problem(http.StatusUnauthorized, "token_revoked")
			third.As("alice", issued(0)).Get("/v1/me").Is(http.StatusOK)
		})
	}
}

// endOf reads a stream to its end.
func endOf(t *testing.T, s *chattest.Stream) string {
	t.Helper()
	for {
		f, ok := s.Next()
		if !ok {
			t.Fatal("the stream ended without a word")
		}
		if f.Event != "end" {
			continue
		}
		var end struct{ Code string }
		if err := json.Unmarshal([]byte(f.Data), &end); err != nil {
			t.Fatal(err)
		}
		return end.Code
	}
}
