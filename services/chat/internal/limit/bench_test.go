package limit_test

import (
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/chat/internal/limit"
)

func BenchmarkTake(b *testing.B) {
	buckets := limit.New[string](limit.Policy{Name: "x", Rate: 1 << 20, Burst: 1 << 20})
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Microsecond)
		if buckets.Take("alice", now).Err() != nil {
			b.Fatal("too much")
		}
	}
}
