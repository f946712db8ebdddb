package command

import (
	"testing"
	"time"
)

// A database that is away is asked once a second.
func TestBreaker(t *testing.T) {
	var b breaker
	now := time.Now()
	for range 2 {
		if !b.allows(now) {
			t.Fatal("a database that works is not asked")
		}
	}
	b.failed(now)
	asked := 0
	for i := range 100 {
		if at := now.Add(time.Duration(i) * 30 * time.Millisecond); b.allows(at) {
			asked++
		}
	}
	if asked != 2 { // after one and after two seconds
		t.Errorf("asked %d times in three seconds", asked)
	}
	b.worked()
	if !b.allows(now) {
		t.Error("a database that is back is not asked")
	}
}
