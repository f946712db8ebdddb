package auth_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/auth/authtest"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Whatever stands in the header: a problem, or an identity that is one.
func FuzzVerify(f *testing.F) {
	i := authtest.NewIssuer(f)
	k := edKey(f)
	i.SetKeys(authtest.Key("k", "", k))
	v := verifier(f, auth.Config{Secret: []byte(secret), Issuers: []auth.Issuer{{URL: i.URL}}})
	for _, token := range []string{
		"", "x", "x.y.z", i.Sign("k", "EdDSA", k, nil), i.Sign("", "HS256", []byte(secret), map[string]any{"tenant": "a", "scope": "service"}),
		i.Sign("k", "none", jwt.UnsafeAllowNoneSignatureType, nil), "eyJhbGciOiJFZERTQSIsImtpZCI6MX0.e30.", "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.bnVsbA.AA",
	} {
		f.Add("Bearer " + token)
	}
	f.Fuzz(func(t *testing.T, header string) {
		id, err := v.Verify(t.Context(), header)
		var p *problem.Error
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("no problem: %v", err)
		}
		if err == nil && (id.User == "" || id.Tenant == "" || id.Expires.Before(time.Now().Add(-time.Minute))) {
			t.Fatalf("identity %+v", id)
		}
	})
}

// Whatever a token says and whoever it wants to be: its scopes are ours, and only a
// service becomes somebody else, in its tenant.
func FuzzActAs(f *testing.F) {
	f.Add("read write service", "bob")
	f.Add("service", "a b")
	f.Add("", "")
	f.Add(" read  READ\tservicex ", "~x")
	v := verifier(f, auth.Config{Secret: []byte(secret)})
	f.Fuzz(func(t *testing.T, scope, user string) {
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"sub": "bot", "tenant": "acme", "scope": scope, "exp": time.Now().Add(time.Hour).Unix(),
		}).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		id, err := v.Verify(t.Context(), "Bearer "+token)
		if err != nil {
			t.Fatal(err)
		}
		named := strings.Fields(scope)
		for _, s := range id.Scopes {
			if !slices.Contains(named, string(s)) && (s == auth.Service || !slices.Contains(named, string(auth.Service))) {
				t.Fatalf("scope %q gives %q", scope, id.Scopes)
			}
		}
		other, err := id.ActAs(user)
		if _, ok := errors.AsType[*problem.Error](err); err != nil && !ok {
			t.Fatalf("no problem: %v", err)
		}
		if _, bad := events.ParseUserID(user); (err == nil) != (bad == nil && slices.Contains(named, string(auth.Service))) {
			t.Fatalf("scope %q as %q: %v", scope, user, err)
		}
		if err == nil && (other.Tenant != id.Tenant || other.Actor != "bot" || string(other.User) != user) {
			t.Fatalf("became %+v", other)
		}
	})
}
