package auth

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// remembered is how many good tokens are.
const remembered = 16 << 10

// verified are tokens whose signatures were checked: a client sends the same one
// again and again. It is safe for concurrent use.
type verified struct{ tokens *lru.Cache[string, verdict] }

// verdict is who a token is from, as long as its issuer has the keys that it had.
type verdict struct {
	id   Identity
	by   *issuer
	keys any
}

func newVerified() *verified {
	tokens, err := lru.New[string, verdict](remembered)
	if err != nil {
		panic(err) // the size is a constant above zero
	}
	return &verified{tokens}
}

func (v *verified) find(token string, now time.Time) (Identity, bool) {
	known, ok := v.tokens.Get(token)
	if !ok || !now.Before(known.id.Expires) || known.keys != known.by.version() {
		return Identity{}, false
	}
	return known.id, true
}

func (v *verified) add(token string, d verdict) { v.tokens.Add(token, d) }
