package chat_test

import (
	"reflect"
	"testing"

	"github.com/roomlog/roomlog/services/chat"
)

// Whatever stands behind --jwks: an error, or an issuer that is written as it is read.
func FuzzIssuer(f *testing.F) {
	for _, s := range []string{
		"", "https://id.example.com", "acme,main=https://id.example.com/keys?a=b", "=https://x", ",=https://x", "http://user@x", "https://x#y", "a:b=https://x", "https://x/?u=http://y", "ftp://x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var i, again chat.Issuer
		if i.UnmarshalText([]byte(s)) != nil {
			return
		}
		text, err := i.MarshalText()
		if err == nil {
			err = again.UnmarshalText(text)
		}
		if err != nil || string(text) != s || !reflect.DeepEqual(i, again) {
			t.Errorf("%q became %+v, written %q, %v", s, i, text, err)
		}
	})
}
