package command

import (
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// limitedUsers is how many users' rates are remembered; who is forgotten begins
// with a full bucket.
const limitedUsers = 64 << 10

// limits is a token bucket per user.
type limits struct {
	rate, burst int
	users       *lru.Cache[auth.Account, *rate.Limiter]
}

func newLimits(perSecond, burst int) *limits {
	users, err := lru.New[auth.Account, *rate.Limiter](limitedUsers)
	if err != nil {
		panic(err) // the size is a constant above zero
	}
	return &limits{rate: perSecond, burst: burst, users: users}
}

// take takes one token, or gives the problem rate_limited.
func (l *limits) take(who auth.Identity, now time.Time) error {
	a := who.Account()
	b, ok := l.users.Get(a)
	if !ok {
		b = rate.NewLimiter(rate.Limit(l.rate), l.burst)
		if earlier, found, _ := l.users.PeekOrAdd(a, b); found {
			b = earlier
		}
	}
	if b.AllowN(now, 1) {
		return nil
	}
	p := problem.New(problem.RateLimited, fmt.Sprintf("more than %d commands a second", l.rate))
	p.RetryAfter = time.Second
	return p
}
