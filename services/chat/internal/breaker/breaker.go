// Package breaker keeps requests from waiting for what is away.
package breaker

import (
	"sync"
	"time"
)

// pause is for how long what did not answer is not asked.
const pause = time.Second

// Breaker lets only one a second look whether something is back that has failed.
// It is safe for concurrent use; the zero Breaker opens at the first failure.
type Breaker struct {
	// After is how many failures in a row open it.
	After int

	mu     sync.Mutex
	failed int
	until  time.Time // zero while it works
}

// Allows reports whether it may be asked.
func (b *Breaker) Allows(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return true
	}
	if now.Before(b.until) {
		return false
	}
	b.until = now.Add(pause) // this one looks, the others do not
	return true
}

// Failed tells that it was asked in vain.
func (b *Breaker) Failed(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed++; b.failed >= b.After {
		b.until = now.Add(pause)
	}
}

// Worked tells that it has answered.
func (b *Breaker) Worked() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed, b.until = 0, time.Time{}
}
