package load

import (
	"math/rand/v2"
	"sync"
	"time"
)

const (
	proseSize  = 4 << 20
	vocabulary = 4096
	// longestText is more than a message may have.
	longestText = 64 << 10
)

// AppendProse appends the body of a request whose text has so many bytes, other ones
// at any other time: a log that compresses what it gets is not to find the same again.
func AppendProse(b []byte, due time.Time, size int) []byte {
	end := len(b) + len(before) + size
	b = appendStamp(b, due)
	if len(b) < end {
		from := int(uint64(due.UnixNano()) * 0x9E3779B97F4A7C15 >> 40 % (proseSize - longestText))
		b = append(b, prose()[from:from+end-len(b)]...)
	}
	return append(b[:end], after...)
}

// prose is words, of which some come more often than others.
var prose = sync.OnceValue(func() []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	words := make([][]byte, vocabulary)
	for i := range words {
		words[i] = make([]byte, 2+rng.IntN(8))
		for j := range words[i] {
			words[i][j] = 'a' + byte(rng.IntN(26))
		}
	}
	var text []byte
	for len(text) < proseSize {
		text = append(text, words[min(rng.IntN(vocabulary), rng.IntN(vocabulary))]...)
		text = append(text, ' ')
	}
	return text
})
