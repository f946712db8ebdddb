package auth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/auth/authtest"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

const secret = "0123456789abcdef0123456789abcdef"

// clock is a time that a test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ecKey(t testing.TB, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func edKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func verifier(t testing.TB, c auth.Config) *auth.Verifier {
	t.Helper()
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Logger = slog.New(slog.DiscardHandler)
	v, err := auth.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// of is a verifier of one issuer's tokens.
func of(t testing.TB, i *authtest.Issuer, c *clock) *auth.Verifier {
	t.Helper()
	return verifier(t, auth.Config{Issuers: []auth.Issuer{{URL: i.URL}}, Now: c.now})
}

// is checks what becomes of a token; an empty code: it is good.
func is(t testing.TB, v *auth.Verifier, token string, code problem.Code) auth.Identity {
	t.Helper()
	id, err := v.Verify(t.Context(), "Bearer "+token)
	var p *problem.Error
	switch {
	case code == "" && err != nil:
		t.Errorf("refused: %v", err)
	case code != "" && !errors.As(err, &p):
		t.Errorf("taken, or no problem: %+v, %v", id, err)
	case code != "" && p.Code != code:
		t.Errorf("%s, want %s: %v", p.Code, code, err)
	}
	return id
}

func TestTokensOfAnIssuer(t *testing.T) {
	i := authtest.NewIssuer(t)
	r, e2, e3, e5, ed := rsaKey(t, 2048), ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384()), ecKey(t, elliptic.P521()), edKey(t)
	i.SetKeys(authtest.Key("r", "", r), authtest.Key("e2", "ES256", e2), authtest.Key("e3", "", e3), authtest.Key("e5", "", e5), authtest.Key("ed", "EdDSA", ed))
	for name, address := range map[string]string{
		"JWKS": i.URL + "/keys", "issuer": i.URL, "with a slash": i.URL + "/", "configuration": i.URL + "/.well-known/openid-configuration",
	} {
		t.Run(name, func(t *testing.T) {
			v := verifier(t, auth.Config{Issuers: []auth.Issuer{{URL: address}}})
			for alg, key := range map[string]struct {
				id string
				crypto.Signer
			}{
				"RS256": {"r", r}, "RS384": {"r", r}, "RS512": {"r", r}, "PS256": {"r", r}, "PS384": {"r", r}, "PS512": {"r", r},
				"ES256": {"e2", e2}, "ES384": {"e3", e3}, "ES512": {"e5", e5}, "EdDSA": {"ed", ed},
			} {
				id := is(t, v, i.Sign(key.id, alg, key.Signer, map[string]any{"scope": "read", "tenant": "acme"}), "")
				if id.User != "alice" || id.Tenant != "acme" || !id.May(auth.Read) || id.May(auth.Write) || id.Expires.IsZero() {
					t.Errorf("%s: %+v", alg, id)
				}
			}
		})
	}
}

// Nothing that is public makes a token, and a key is for its own algorithm only.
func TestWrongAlgorithms(t *testing.T) {
	i := authtest.NewIssuer(t)
	r, weak, e3, other := rsaKey(t, 2048), rsaKey(t, 1024), ecKey(t, elliptic.P384()), rsaKey(t, 2048)
	forEncryption := authtest.Key("enc", "", r)
	forEncryption.Use = "enc"
	i.SetKeys(authtest.Key("r", "", r), authtest.Key("ps", "PS256", r), authtest.Key("weak", "", weak), authtest.Key("e3", "", e3),
		forEncryption, jose.JSONWebKey{Key: []byte(secret), KeyID: "oct", Algorithm: "HS256"})
	der, err := x509.MarshalPKIXPublicKey(r.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	tokens := map[string]string{
		"none":                    i.Sign("r", "none", jwt.UnsafeAllowNoneSignatureType, nil),
		"HS256 with a public key": i.Sign("r", "HS256", public, nil),
		"HS256 with its DER":      i.Sign("r", "HS256", der, nil),
		"HS256 by an oct key":     i.Sign("oct", "HS256", []byte(secret), nil),
		"HS512":                   i.Sign("oct", "HS512", []byte(secret), nil),
		"RS256 by a PS256 key":    i.Sign("ps", "RS256", r, nil),
		"a short key":             i.Sign("weak", "RS256", weak, nil),
		"a key for encryption":    i.Sign("enc", "RS256", r, nil),
		"another's key":           i.Sign("r", "RS256", other, nil),
		"no key id":               i.Sign("", "RS256", r, nil),
		"unsigned":                strings.TrimRight(i.Sign("r", "RS256", r, nil), "-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
	}
	for name, v := range map[string]*auth.Verifier{
		"alone":             verifier(t, auth.Config{Issuers: []auth.Issuer{{URL: i.URL}}}),
		"beside the secret": verifier(t, auth.Config{Issuers: []auth.Issuer{{URL: i.URL}}, Secret: []byte(strings.Repeat("s", 32))}),
	} {
		is(t, v, i.Sign("r", "RS256", r, nil), "")
		for what, token := range tokens {
			t.Run(name+"/"+what, func(t *testing.T) { is(t, v, token, problem.TokenInvalid) })
		}
	}
}

func TestClaimsOfAnIssuer(t *testing.T) {
	i := authtest.NewIssuer(t)
	k := edKey(t)
	i.SetKeys(authtest.Key("k", "", k))
	v := verifier(t, auth.Config{Issuers: []auth.Issuer{{URL: i.URL}}, Audiences: []string{"chat", "roomlog"}})
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	for name, tc := range map[string]struct {
		claims map[string]any
		code   problem.Code
	}{
		"for us":                {map[string]any{"aud": "roomlog"}, ""},
		"for us too":            {map[string]any{"aud": []string{"other", "chat"}}, ""},
		"for another":           {map[string]any{"aud": "other"}, problem.TokenInvalid},
		"for nobody":            {nil, problem.TokenInvalid},
		"of another issuer":     {map[string]any{"aud": "chat", "iss": "https://other.example"}, problem.TokenInvalid},
		"of no issuer":          {map[string]any{"aud": "chat", "iss": nil}, problem.TokenInvalid},
		"expired":               {map[string]any{"aud": "chat", "exp": at(-time.Minute)}, problem.TokenExpired},
		"expired for another":   {map[string]any{"aud": "chat", "exp": at(-time.Minute), "iss": "https://other.example"}, problem.TokenInvalid},
		"expired a moment ago":  {map[string]any{"aud": "chat", "exp": at(-5 * time.Second)}, ""},
		"without end":           {map[string]any{"aud": "chat", "exp": nil}, problem.TokenInvalid},
		"not yet":               {map[string]any{"aud": "chat", "nbf": at(time.Minute)}, problem.TokenInvalid},
		"in a moment":           {map[string]any{"aud": "chat", "nbf": at(5 * time.Second)}, ""},
		"of nobody":             {map[string]any{"aud": "chat", "sub": nil}, problem.TokenInvalid},
		"of one who is no user": {map[string]any{"aud": "chat", "sub": "auth0|1"}, problem.TokenInvalid},
	} {
		t.Run(name, func(t *testing.T) { is(t, v, i.Sign("k", "EdDSA", k, tc.claims), tc.code) })
	}
	critical := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"sub": "alice", "iss": i.URL, "aud": "chat", "exp": at(time.Hour)})
	critical.Header["kid"], critical.Header["crit"] = "k", []string{"b64"}
	token, err := critical.SignedString(k)
	if err != nil {
		t.Fatal(err)
	}
	is(t, v, token, problem.TokenInvalid)
}

// An issuer speaks for its tenants, and its keys make nobody else's tokens.
func TestIssuersAreBoundToTenants(t *testing.T) {
	one, two := authtest.NewIssuer(t), authtest.NewIssuer(t)
	k1, k2 := edKey(t), edKey(t)
	one.SetKeys(authtest.Key("k", "", k1))
	two.SetKeys(authtest.Key("k", "", k2))
	v := verifier(t, auth.Config{
		Secret: []byte(secret), Tenants: []events.Tenant{"main", "own"},
		Issuers: []auth.Issuer{{URL: one.URL, Tenants: []events.Tenant{"acme"}}, {URL: two.URL + "/keys", Tenants: []events.Tenant{"beta", "gamma"}}},
	})
	tenant := func(name any) map[string]any { return map[string]any{"tenant": name} }
	for _, tc := range []struct {
		name, token string
		code        problem.Code
		want        events.Tenant
	}{
		{"its own", one.Sign("k", "EdDSA", k1, tenant("acme")), "", "acme"},
		{"its only one, unsaid", one.Sign("k", "EdDSA", k1, nil), "", "acme"},
		{"another's", one.Sign("k", "EdDSA", k1, tenant("beta")), problem.TokenInvalid, ""},
		{"nobody's", one.Sign("k", "EdDSA", k1, tenant("main")), problem.TokenInvalid, ""},
		{"in another's name", one.Sign("k", "EdDSA", k2, tenant("acme")), problem.TokenInvalid, ""},
		{"the second of two", two.Sign("k", "EdDSA", k2, tenant("gamma")), "", "gamma"},
		{"neither of two", two.Sign("k", "EdDSA", k2, nil), problem.TokenInvalid, ""},
		{"the secret's", one.Sign("", "HS256", []byte(secret), tenant("own")), "", "own"},
		{"the secret for another", one.Sign("", "HS256", []byte(secret), tenant("acme")), problem.TokenInvalid, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if id := is(t, v, tc.token, tc.code); id.Tenant != tc.want {
				t.Errorf("tenant %s", id.Tenant)
			}
		})
	}
}

// A new key is taken at once, an old one until the keys are looked at again. Tokens
// with made-up keys do not become requests.
func TestKeysRotate(t *testing.T) {
	i := authtest.NewIssuer(t)
	var c clock
	v := of(t, i, &c)
	first, second, third := edKey(t), edKey(t), edKey(t)
	i.SetKeys(authtest.Key("1", "", first))
	is(t, v, i.Sign("1", "EdDSA", first, nil), "")
	c.advance(time.Minute)
	i.SetKeys(authtest.Key("1", "", first), authtest.Key("2", "", second))
	is(t, v, i.Sign("2", "EdDSA", second, nil), "")
	is(t, v, i.Sign("1", "EdDSA", first, nil), "")
	if n := i.Fetches(); n != 2 {
		t.Errorf("the keys were fetched %d times", n)
	}
	i.SetKeys(authtest.Key("3", "", third))
	for range 50 {
		is(t, v, i.Sign("made-up", "EdDSA", first, nil), problem.TokenInvalid)
		is(t, v, i.Sign("3", "EdDSA", third, nil), problem.TokenInvalid) // too early
	}
	if n := i.Fetches(); n != 2 {
		t.Errorf("made-up keys became requests: %d", n)
	}
	c.advance(11 * time.Second)
	is(t, v, i.Sign("3", "EdDSA", third, nil), "")
	is(t, v, i.Sign("1", "EdDSA", first, nil), problem.TokenInvalid)
}

// While the issuer is away its keys stay, and what cannot be said is not said.
func TestIssuerAway(t *testing.T) {
	i := authtest.NewIssuer(t)
	var c clock
	v := of(t, i, &c)
	k, next := edKey(t), edKey(t)
	i.SetKeys(authtest.Key("k", "", k))
	away := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	i.SetFault(away)
	is(t, v, i.Sign("k", "EdDSA", k, nil), problem.IssuerUnavailable)
	if _, err := v.Issuers(); err == nil {
		t.Error("nobody says that the issuer is away")
	}
	i.SetFault(nil)
	c.advance(time.Minute)
	is(t, v, i.Sign("k", "EdDSA", k, nil), "")
	i.SetFault(away)
	c.advance(20 * time.Minute)
	is(t, v, i.Sign("k", "EdDSA", k, nil), "")
	is(t, v, i.Sign("next", "EdDSA", next, nil), problem.IssuerUnavailable)
	is(t, v, i.Sign("k", "EdDSA", k, nil), "")
	i.SetFault(nil)
	i.SetKeys(authtest.Key("next", "", next))
	c.advance(time.Minute)
	is(t, v, i.Sign("next", "EdDSA", next, nil), "")
	all, err := v.Issuers()
	if err != nil || len(all) != 1 || all[0].Keys != 1 || all[0].Issuer != i.URL || all[0].Fetched.IsZero() {
		t.Errorf("issuers %+v, %v", all, err)
	}
}

// An issuer that does not answer keeps nobody else's tokens waiting.
func TestSilentIssuerIsAlone(t *testing.T) {
	silent, i := authtest.NewIssuer(t), authtest.NewIssuer(t)
	over := make(chan struct{})
	defer close(over)
	silent.SetFault(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	})
	k := edKey(t)
	i.SetKeys(authtest.Key("k", "", k))
	v := verifier(t, auth.Config{Issuers: []auth.Issuer{{URL: i.URL}, {URL: silent.URL}}, Secret: []byte(secret)})
	is(t, v, i.Sign("k", "EdDSA", k, nil), "") // its keys come
	began := time.Now()
	is(t, v, i.Sign("k", "EdDSA", k, nil), "")
	is(t, v, i.Sign("", "HS256", []byte(secret), nil), "")
	is(t, v, i.Sign("k", "EdDSA", k, map[string]any{"exp": 1}), problem.TokenExpired)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("they waited %s", took)
	}
}

// What an issuer answers is bounded, and speaks for itself only.
func TestBadAnswersOfIssuers(t *testing.T) {
	k := edKey(t)
	body := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text))
		}
	}
	one, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{authtest.Key("k", "", k)}})
	if err != nil {
		t.Fatal(err)
	}
	good := string(one)
	for name, spoil := range map[string]func(*authtest.Issuer){
		"no JSON":       func(i *authtest.Issuer) { i.SetFault(body(200, "<html>")) },
		"no keys":       func(i *authtest.Issuer) { i.SetFault(body(200, `{"keys":[]}`)) },
		"keys of null":  func(i *authtest.Issuer) { i.SetFault(body(200, `{"keys":[null,1,{"kty":"new"}]}`)) },
		"without end":   func(i *authtest.Issuer) { i.SetFault(body(200, strings.Repeat(" ", 1<<20)+good)) },
		"an error":      func(i *authtest.Issuer) { i.SetFault(body(500, good)) },
		"a redirect":    func(i *authtest.Issuer) { i.SetFault(http.RedirectHandler("/keys", http.StatusFound).ServeHTTP) },
		"another's":     func(i *authtest.Issuer) { i.Describe(func(d map[string]any) { d["issuer"] = "https://other.example" }) },
		"no issuer":     func(i *authtest.Issuer) { i.Describe(func(d map[string]any) { delete(d, "issuer") }) },
		"keys nowhere":  func(i *authtest.Issuer) { i.Describe(func(d map[string]any) { d["jwks_uri"] = "file:///etc/passwd" }) },
		"keys of a key": func(i *authtest.Issuer) { i.Describe(func(d map[string]any) { d["jwks_uri"] = i.URL }) },
	} {
		t.Run(name, func(t *testing.T) {
			i := authtest.NewIssuer(t)
			i.SetKeys(authtest.Key("k", "", k))
			spoil(i)
			is(t, of(t, i, &clock{}), i.Sign("k", "EdDSA", k, nil), problem.IssuerUnavailable)
		})
	}
}

// Keys are looked at without being asked for.
func TestRunFetchesKeys(t *testing.T) {
	i := authtest.NewIssuer(t)
	k := edKey(t)
	i.SetKeys(authtest.Key("k", "", k))
	fetched := make(chan struct{}, 1)
	i.Describe(func(map[string]any) { fetched <- struct{}{} })
	v := of(t, i, &clock{})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	<-fetched
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
