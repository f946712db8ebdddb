package storetest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/readmodel"
)

// testCancelled ends contexts at any moment of a claim and of a snapshot, the
// transaction's begin among them: what comes after is not held up by it.
func testCancelled(t *testing.T, open Open) {
	s := open(t, nil)
	began := time.Now()
	if _, err := s.Claim(t.Context(), 0, aLog, "ann"); err != nil {
		t.Fatal(err)
	}
	most := 2 * time.Since(began)
	for range 300 {
		ctx, cancel := context.WithTimeout(t.Context(), rand.N(most))
		_, _ = s.Claim(ctx, 0, aLog, "ann")
		_ = s.Snapshot(ctx, func(r readmodel.Reader) error {
			_, err := r.Checkpoints(ctx)
			return err
		})
		cancel()
	}
	before, err := s.Claim(t.Context(), 0, aLog, "bob")
	if err != nil {
		t.Fatalf("a claim after those that were cancelled: %v", err)
	}
	equal(t, "the checkpoint after it", checkpoint(t, s, 0), there(before))
}
