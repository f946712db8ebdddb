package command

import (
	"sync"
	"time"
)

// breakerPause is for how long a database that did not answer is not asked.
const breakerPause = time.Second

// breaker keeps sends from waiting for a database that is away: after a failure
// only one of them a second looks whether it is back.
type breaker struct {
	mu    sync.Mutex
	until time.Time // zero while the database works
}

// allows reports whether the database may be asked.
func (b *breaker) allows(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return true
	}
	if now.Before(b.until) {
		return false
	}
	b.until = now.Add(breakerPause) // this one looks, the others do not
	return true
}

func (b *breaker) failed(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = now.Add(breakerPause)
}

func (b *breaker) worked() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = time.Time{}
}
