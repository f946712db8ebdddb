package limit_test

import (
	"errors"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/chat/internal/limit"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

func TestBuckets(t *testing.T) {
	b := limit.New[string](limit.Policy{Name: "x", Rate: 2, Burst: 3})
	now := time.Unix(1_700_000_000, 0)
	if s := b.Look("a", now); s.Left() != 3 || s.Full() != 0 || s.Policy.Window() != 1500*time.Millisecond {
		t.Errorf("at first %+v", s)
	}
	for left := range 3 {
		if s := b.Take("a", now); s.Err() != nil || s.Left() != 2-left {
			t.Errorf("%d are left, %v", s.Left(), s.Err())
		}
	}
	var p *problem.Error
	if s := b.Take("a", now); !errors.As(s.Err(), &p) || p.Code != problem.RateLimited || p.RetryAfter != 500*time.Millisecond || s.Full() != s.Policy.Window() {
		t.Errorf("an empty bucket: %v, %s until it is full", s.Err(), s.Full())
	}
	if s := b.Look("a", now); s.Err() == nil {
		t.Error("an empty bucket looks as if it were not")
	}
	if s := b.Take("b", now); s.Err() != nil {
		t.Error("one empties another's bucket")
	}
	if s := b.Take("a", now.Add(time.Second)); s.Err() != nil || s.Left() != 1 {
		t.Errorf("a second later %d are left, %v", s.Left(), s.Err())
	}
}

// Requests tell when they came, not when it is their turn: who waited meanwhile, and
// so comes with an old time, is not refused for what others took since.
func TestLate(t *testing.T) {
	b := limit.New[string](limit.Policy{Name: "x", Rate: 2, Burst: 3})
	came := time.Unix(1_700_000_000, 0)
	for i := range 10 {
		if s := b.Take("a", came.Add(time.Duration(i)*time.Second)); !s.Allowed {
			t.Fatalf("after %d seconds: %v", i, s.Err())
		}
	}
	if s := b.Look("a", came); !s.Allowed || s.Left() != 2 {
		t.Errorf("one that came first and waited finds %d tokens: %v", s.Left(), s.Err())
	}
	for left := range 2 {
		if s := b.Take("a", came); !s.Allowed || s.Left() != 1-left {
			t.Errorf("one that came first and waited: %d are left, %v", s.Left(), s.Err())
		}
	}
	if s := b.Take("a", came); s.Allowed {
		t.Error("an old time is worth more than a new one")
	}
}

// In the long run there is what the rate says, and no more, also where a token comes in
// no whole number of anything.
func TestRate(t *testing.T) {
	b := limit.New[string](limit.Policy{Name: "x", Rate: 7, Burst: 5})
	now, taken := time.Unix(1_700_000_000, 0), 0
	for range 10_000 {
		look := b.Look("a", now)
		if s := b.Take("a", now); s.Allowed {
			taken++
		} else if look.Allowed || s.Left() != 0 {
			t.Fatalf("after %d tokens: %+v, and %+v before", taken, s, look)
		}
		now = now.Add(time.Millisecond)
	}
	if taken != 5+7*10-1 { // the last one comes with the end
		t.Errorf("%d were taken", taken)
	}
}

// Whoever comes, memory is bounded; who is forgotten begins anew.
func TestForgotten(t *testing.T) {
	b := limit.New[int](limit.Policy{Name: "x", Rate: 1, Burst: 1})
	now := time.Now()
	b.Take(0, now)
	if b.Take(0, now).Err() == nil {
		t.Fatal("the bucket is not empty")
	}
	for i := range 64 << 10 {
		b.Take(i+1, now)
	}
	if err := b.Take(0, now).Err(); err != nil {
		t.Error("remembered for ever")
	}
}
