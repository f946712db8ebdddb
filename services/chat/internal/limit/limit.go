// Package limit counts what people do and what rooms take: a token bucket for each
// of them, in bounded memory. Everything is safe for concurrent use.
package limit

import (
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// remembered is how many buckets of a policy are kept; who is forgotten begins
// with a full one.
const remembered = 64 << 10

// Policy is how much of something one of them may do.
type Policy struct {
	// Name is what clients see.
	Name string
	// Rate is per second and for ever, Burst at once.
	Rate, Burst int
}

// Window is the time in which an empty bucket fills.
func (p Policy) Window() time.Duration { return time.Duration(p.Burst) * p.every() }

// every is the time in which a token comes.
func (p Policy) every() time.Duration { return max(1, time.Second/time.Duration(p.Rate)) }

// Buckets are those of all K under one policy.
type Buckets[K comparable] struct {
	policy Policy
	mu     sync.Mutex
	full   *simplelru.LRU[K, *time.Time] // when each is full again: all there is to know of one
	latest time.Time                     // of all times that were told
}

// New makes full buckets.
func New[K comparable](p Policy) *Buckets[K] {
	full, err := simplelru.NewLRU[K, *time.Time](remembered, nil)
	if err != nil {
		panic(err) // the size is a constant above zero
	}
	return &Buckets[K]{policy: p, full: full}
}

// Take takes a token where there is one. A time that is before one told earlier counts
// as that: a request tells when it came, and may have waited since, while others took.
func (b *Buckets[K]) Take(k K, now time.Time) State {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.notBefore(now)
	full, ok := b.full.Get(k)
	if !ok {
		full = &time.Time{}
		b.full.Add(k, full)
	}
	s := b.state(*full, now)
	if s.Allowed {
		s.full += b.policy.every()
		*full = now.Add(s.full)
	}
	return s
}

// Look tells what Take would, and takes nothing.
func (b *Buckets[K]) Look(k K, now time.Time) State {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.notBefore(now)
	if full, ok := b.full.Peek(k); ok {
		return b.state(*full, now)
	}
	return b.state(now, now)
}

func (b *Buckets[K]) notBefore(now time.Time) time.Time {
	if now.After(b.latest) {
		b.latest = now
	}
	return b.latest
}

func (b *Buckets[K]) state(full, now time.Time) State {
	s := State{Policy: b.policy, full: max(0, full.Sub(now))}
	s.Allowed = s.full+s.Policy.every() <= s.Policy.Window()
	return s
}

// State is a bucket at one moment.
type State struct {
	Policy  Policy
	Allowed bool
	full    time.Duration
}

// Left is how many tokens there are.
func (s State) Left() int { return int(max(0, s.Policy.Window()-s.full) / s.Policy.every()) }

// Full is how long it takes until there are as many as there can be.
func (s State) Full() time.Duration { return s.full }

// Err is the problem rate_limited, or nil where it is allowed.
func (s State) Err() error {
	if s.Allowed {
		return nil
	}
	p := problem.New(problem.RateLimited, fmt.Sprintf("the limit %q is reached: %d at once, %d a second", s.Policy.Name, s.Policy.Burst, s.Policy.Rate))
	p.RetryAfter = s.full + s.Policy.every() - s.Policy.Window()
	return p
}
