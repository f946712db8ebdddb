// Package authtest has an issuer of tokens for tests: an HTTP server with an OpenID
// configuration and keys that rotate.
package authtest

import (
	"crypto"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// Issuer serves /keys and its description.
type Issuer struct {
	t   testing.TB
	URL string

	mu       sync.Mutex
	keys     []jose.JSONWebKey
	fault    http.HandlerFunc
	fetches  int
	describe func(map[string]any)
}

// NewIssuer starts an issuer that has no keys yet; it ends with the test.
func NewIssuer(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{t: t, describe: func(map[string]any) {}}
	mux := http.NewServeMux()
	mux.HandleFunc("/keys", i.serve(func(w http.ResponseWriter) any {
		i.fetches++
		return jose.JSONWebKeySet{Keys: i.keys}
	}))
	mux.HandleFunc("/.well-known/openid-configuration", i.serve(func(w http.ResponseWriter) any {
		doc := map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys"}
		i.describe(doc)
		return doc
	}))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

func (i *Issuer) serve(answer func(http.ResponseWriter) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		fault := i.fault
		i.mu.Unlock()
		if fault != nil {
			fault(w, r)
			return
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		if err := json.NewEncoder(w).Encode(answer(w)); err != nil {
			i.t.Error(err)
		}
	}
}

// SetKeys replaces the keys that are served.
func (i *Issuer) SetKeys(keys ...jose.JSONWebKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = keys
}

// SetFault answers everything with f; nil: as it should be.
func (i *Issuer) SetFault(f http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fault = f
}

// Describe changes the OpenID configuration.
func (i *Issuer) Describe(change func(map[string]any)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.describe = change
}

// Fetches is how often the keys were served.
func (i *Issuer) Fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

// Key is what a private key's public half looks like in a JWKS.
func Key(id, alg string, private crypto.Signer) jose.JSONWebKey {
	return jose.JSONWebKey{Key: private.Public(), KeyID: id, Algorithm: alg, Use: "sig"}
}

// Sign makes a token of alice that is good for an hour; changes set claims, or
// with nil remove them.
func (i *Issuer) Sign(id, alg string, key any, changes map[string]any) string {
	i.t.Helper()
	claims := jwt.MapClaims{"sub": "alice", "iss": i.URL, "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	token := jwt.NewWithClaims(jwt.GetSigningMethod(alg), claims)
	if id != "" {
		token.Header["kid"] = id
	}
	signed, err := token.SignedString(key)
	if err != nil {
		i.t.Fatal(err)
	}
	return signed
}
