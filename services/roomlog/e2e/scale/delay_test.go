package scale_test

import (
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/delay"
)

// slow gives the address of the same database behind a proxy that adds a delay to
// each round trip.
func slow(b *testing.B, database string, d time.Duration) string {
	b.Helper()
	proxy, behind, err := delay.StartURL(b.Context(), database)
	if err != nil {
		b.Fatal(err)
	}
	proxy.Set(d)
	b.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			b.Error("proxy:", err)
		}
	})
	return behind
}
