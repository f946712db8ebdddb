package storetest

import (
	"context"
	"testing"
)

// Opened opens something for the time of the test.
func Opened[C any, T interface{ Close() error }](t testing.TB, open func(context.Context, C) (T, error), cfg C) T {
	t.Helper()
	s, err := open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
