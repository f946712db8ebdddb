package chat_test

import (
	"crypto/ed25519"
	"net/http"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/auth/authtest"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// Tokens of an issuer are taken, beside those of the secret; while it is away one
// is told so, where nothing else can be said.
func TestTokensOfAnIssuer(t *testing.T) {
	i := authtest.NewIssuer(t)
	k := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	away := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	i.SetFault(away)
	i.SetKeys(authtest.Key("k", "", k))
	w := chattest.Start(t, func(c *chat.Config) { c.JWKS = []chat.Issuer{{URL: i.URL, Tenants: []string{"acme"}}} })
	theirs := bearer(i.Sign("k", "EdDSA", k, nil))
	anyone := w.As("bob")
	anyone.Get("/v1/me", theirs).Problem(http.StatusServiceUnavailable, "issuer_unavailable")
	anyone.Get("/v1/me").Is(http.StatusOK)
	if err := check(t, w, "issuers"); err == nil {
		t.Error("readiness says nothing of the issuer")
	}

	i.SetFault(nil)
	w = chattest.Start(t, func(c *chat.Config) { c.JWKS = []chat.Issuer{{URL: i.URL, Tenants: []string{"acme"}}} })
	anyone = w.As("bob")
	if me := anyone.Get("/v1/me", theirs).Is(http.StatusOK); me.Text("user") != "alice" || me.Text("tenant") != "acme" {
		t.Errorf("me %s", me.Body)
	}
	anyone.Get("/v1/me", bearer(i.Sign("k", "EdDSA", k, map[string]any{"tenant": "main"}))).Problem(http.StatusUnauthorized, "token_invalid")
	if err := check(t, w, "issuers"); err != nil {
		t.Error(err)
	}
}

// check runs one of the checks of readiness.
func check(t *testing.T, w *chattest.World, name string) error {
	t.Helper()
	for _, c := range w.Service.Checks() {
		if c.Name == name {
			_, err := c.Run(t.Context())
			return err
		}
	}
	t.Fatalf("there is no check %q", name)
	return nil
}
