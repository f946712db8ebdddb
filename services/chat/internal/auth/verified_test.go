package auth_test

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

func signed(t testing.TB, expires time.Time) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "alice", "exp": expires.Unix()}).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// A token that was good a moment ago ends when it says.
func TestVerifiedTokenExpires(t *testing.T) {
	var c clock
	v := verifier(t, auth.Config{Secret: []byte(secret), Now: c.now})
	token := signed(t, c.now().Add(time.Minute))
	for range 2 {
		if id := is(t, v, token, ""); id.User != "alice" {
			t.Errorf("it is from %q", id.User)
		}
		c.advance(59 * time.Second)
	}
	c.advance(10 * time.Second) // more than the leeway
	is(t, v, token, problem.TokenExpired)
	is(t, v, token, problem.TokenExpired)
}

func BenchmarkVerify(b *testing.B) {
	v := verifier(b, auth.Config{Secret: []byte(secret)})
	token := "Bearer " + signed(b, time.Now().Add(time.Hour))
	for b.Loop() {
		if _, err := v.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
