package jwks

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const (
	// maxKeys is more than any issuer has.
	maxKeys = 100
	// minRSA is the least size of an RSA key, in bits (RFC 7518, 3.3).
	minRSA = 2048
)

// Algorithms are those that tokens may be signed with: signatures by a private
// key, so that what is public never makes a token.
var Algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// key is a public key.
type key struct {
	public crypto.PublicKey
	alg    string // the one that it is for; empty: any that fits
}

// parseKeys reads the keys of a JWKS by their ids. What cannot check signatures is
// passed over: a set may have keys for other uses, and of kinds yet to come.
func parseKeys(raw []json.RawMessage) map[string][]key {
	keys := map[string][]key{}
	for _, r := range raw[:min(len(raw), maxKeys)] {
		var k jose.JSONWebKey
		if json.Unmarshal(r, &k) != nil || !k.IsPublic() || !k.Valid() || k.Use != "" && k.Use != "sig" {
			continue
		}
		if r, ok := k.Key.(*rsa.PublicKey); ok && r.N.BitLen() < minRSA {
			continue
		}
		keys[k.KeyID] = append(keys[k.KeyID], key{k.Key, k.Algorithm})
	}
	return keys
}

// fits reports whether the key may check signatures of the algorithm, which is one
// of [Algorithms].
func (k key) fits(alg string) bool {
	if k.alg != "" && k.alg != alg {
		return false
	}
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")
	case *ecdsa.PublicKey:
		switch p.Curve {
		case elliptic.P256():
			return alg == "ES256"
		case elliptic.P384():
			return alg == "ES384"
		case elliptic.P521():
			return alg == "ES512"
		}
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}
