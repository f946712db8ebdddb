package auth_test

import (
	"errors"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

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
