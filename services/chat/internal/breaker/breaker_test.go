package breaker_test

import (
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/chat/internal/breaker"
)

// A database that is away is asked once a second.
func TestBreaker(t *testing.T) {
	var b breaker.Breaker
	now := time.Now()
	for range 2 {
		if !b.Allows(now) {
			t.Fatal("a database that works is not asked")
		}
	}
	b.Failed(now)
	asked := 0
	for i := range 100 {
		if at := now.Add(time.Duration(i) * 30 * time.Millisecond); b.Allows(at) {
			asked++
		}
	}
	if asked != 2 { // after one and after two seconds
		t.Errorf("asked %d times in three seconds", asked)
	}
	b.Worked()
	if !b.Allows(now) {
		t.Error("a database that is back is not asked")
	}
}

// What may fail now and then is given up after so many failures in a row.
func TestBreakerOpensAfterFailuresInARow(t *testing.T) {
	b := breaker.Breaker{After: 3}
	now := time.Now()
	for i, fails := range []bool{true, true, false, true, true, true} {
		if !b.Allows(now) {
			t.Fatalf("given up before request %d", i)
		}
		if fails {
			b.Failed(now)
		} else {
			b.Worked()
		}
	}
	if b.Allows(now) {
		t.Error("asked after three failures in a row")
	}
}
