package jwks

import (
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/roomlog/roomlog/services/chat/internal/auth/authtest"
)

// Whatever an issuer answers: keys that check signatures, each for some algorithm,
// and no private or shared ones.
func FuzzKeys(f *testing.F) {
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		authtest.Key("k", "", private), authtest.Key("k", "EdDSA", private), {Key: private, KeyID: "private"}, {Key: []byte("secret"), KeyID: "shared"},
	}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(set)
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"kty":"OKP","crv":"Ed25519","x":"AA"},null,1,[]]}`))
	f.Add([]byte(`{"issuer":"http://x/","jwks_uri":"http://x/keys"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var doc document
		if json.Unmarshal(body, &doc) != nil {
			return
		}
		if issuer, err := doc.checkedIssuer("https://x" + wellKnown); err == nil && (strings.TrimRight(issuer, "/") != "https://x" || !strings.HasPrefix(strings.ToLower(doc.JWKS), "https:")) {
			t.Errorf("%q speaks for https://x, with the keys at %q", issuer, doc.JWKS)
		}
		n := 0
		for id, keys := range parseKeys(doc.Keys) {
			n += len(keys)
			for _, k := range keys {
				switch p := k.public.(type) {
				case ed25519.PrivateKey, []byte, *rsa.PrivateKey:
					t.Fatalf("%q is a %T", id, p)
				case *rsa.PublicKey:
					if p.N.BitLen() < minRSA {
						t.Fatalf("%q has %d bits", id, p.N.BitLen())
					}
				}
				if k.fits("none") || k.fits("HS256") || k.alg != "" && k.fits("not "+k.alg) {
					t.Fatalf("%q fits what it is not for", id)
				}
			}
		}
		if n > maxKeys {
			t.Fatalf("%d keys", n)
		}
	})
}
