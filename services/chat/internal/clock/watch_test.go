package clock

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	var logged bytes.Buffer
	w := NewWatch(func() time.Time { return now }, slog.New(slog.NewTextHandler(&logged, nil)))
	for _, fine := range []time.Duration{-time.Hour, 0, 5 * time.Second} {
		w.Saw(now.Add(fine).UnixMilli())
	}
	if err := w.Check(); err != nil || w.Ahead() != 0 || logged.Len() > 0 {
		t.Fatalf("%v, ahead %s, logged %s", err, w.Ahead(), &logged)
	}
	for range 10 {
		w.Saw(now.Add(7 * time.Second).UnixMilli())
	}
	if err := w.Check(); err == nil || !strings.Contains(err.Error(), "7s") || w.Ahead() != 7*time.Second {
		t.Errorf("%v, ahead %s", err, w.Ahead())
	}
	if n := strings.Count(logged.String(), "\n"); n != 1 {
		t.Errorf("%d warnings of one thing", n)
	}
	now = now.Add(remembered)
	if err := w.Check(); err != nil || w.Ahead() != 0 {
		t.Errorf("still %v", err)
	}
	w.Expired()
	if err := w.Check(); err == nil || strings.Count(logged.String(), "\n") != 2 {
		t.Errorf("%v, logged %s", err, &logged)
	}
}
