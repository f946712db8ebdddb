// Package limit counts what people do and what rooms take: a token bucket for each
// of them, in bounded memory. Everything is safe for concurrent use.
package limit

import (
	"fmt"
	"math"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

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
func (p Policy) Window() time.Duration { return p.fill(float64(p.Burst)) }

// fill is the time in which so many tokens come.
func (p Policy) fill(tokens float64) time.Duration {
	return time.Duration(max(0, tokens) / float64(p.Rate) * float64(time.Second))
}

// Buckets are those of all K under one policy.
type Buckets[K comparable] struct {
	policy Policy
	all    *lru.Cache[K, *rate.Limiter]
}

// New makes full buckets.
func New[K comparable](p Policy) *Buckets[K] {
	all, err := lru.New[K, *rate.Limiter](remembered)
	if err != nil {
		panic(err) // the size is a constant above zero
	}
	return &Buckets[K]{policy: p, all: all}
}

// Take takes a token where there is one.
func (b *Buckets[K]) Take(k K, now time.Time) State {
	l, ok := b.all.Get(k)
	if !ok {
		l = rate.NewLimiter(rate.Limit(b.policy.Rate), b.policy.Burst)
		if earlier, found, _ := b.all.PeekOrAdd(k, l); found {
			l = earlier
		}
	}
	allowed := l.AllowN(now, 1)
	return State{Policy: b.policy, Allowed: allowed, tokens: l.TokensAt(now)}
}

// Look tells what Take would, and takes nothing.
func (b *Buckets[K]) Look(k K, now time.Time) State {
	tokens := float64(b.policy.Burst)
	if l, ok := b.all.Peek(k); ok {
		tokens = l.TokensAt(now)
	}
	return State{Policy: b.policy, Allowed: tokens >= 1, tokens: tokens}
}

// State is a bucket at one moment.
type State struct {
	Policy  Policy
	Allowed bool
	tokens  float64
}

// Left is how many tokens there are.
func (s State) Left() int { return max(0, int(math.Floor(s.tokens))) }

// Full is how long it takes until there are as many as there can be.
func (s State) Full() time.Duration { return s.Policy.fill(float64(s.Policy.Burst) - s.tokens) }

// Err is the problem rate_limited, or nil where it is allowed.
func (s State) Err() error {
	if s.Allowed {
		return nil
	}
	p := problem.New(problem.RateLimited, fmt.Sprintf("the limit %q is reached: %d at once, %d a second", s.Policy.Name, s.Policy.Burst, s.Policy.Rate))
	p.RetryAfter = s.Policy.fill(1 - s.tokens)
	return p
}
