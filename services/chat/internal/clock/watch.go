// Package clock watches for a log whose clock is ahead of the one here. The log's
// time decides when commands expire and bans end, so an operator must know.
//
// Only a log that is ahead shows: a time of the log that is past may be late
// delivery as well.
package clock

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/roomlog/roomlog/services/chat/internal/position"
)

const (
	// remembered is for how long a sign counts.
	remembered = 5 * time.Minute
	// warnEvery is how often the log says it again.
	warnEvery = time.Minute
)

// Watch collects the signs. It is safe for concurrent use.
type Watch struct {
	now func() time.Time
	log *slog.Logger

	mu      sync.Mutex
	ahead   time.Duration
	seen    time.Time // when ahead was seen
	expired time.Time // when a command of this process expired
	warned  time.Time
}

// NewWatch makes a watch that has seen nothing.
func NewWatch(now func() time.Time, log *slog.Logger) *Watch { return &Watch{now: now, log: log} }

// Saw notes the log's time of an event, in Unix milliseconds, that is told of now.
func (w *Watch) Saw(logTime int64) {
	now := w.now()
	ahead := time.UnixMilli(logTime).Sub(now)
	if ahead <= position.ClockSkew {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead, w.seen = ahead, now
	w.warn(now, "the log's clock is ahead of the one here", "ahead", ahead)
}

// Expired notes that the log took a command of this process after its time.
func (w *Watch) Expired() {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expired = now
	w.warn(now, "the log took a command after its time: its clock is ahead, or it was slow")
}

// Ahead is how far the log's clock was seen ahead lately; zero: not beyond what is
// allowed for.
func (w *Watch) Ahead() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !recent(w.seen, w.now()) {
		return 0
	}
	return w.ahead
}

// Check says what was seen lately.
func (w *Watch) Check() error {
	if ahead := w.Ahead(); ahead > 0 {
		return fmt.Errorf("the log's clock is %s ahead of the one here: commands may expire", ahead.Round(time.Millisecond))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if recent(w.expired, w.now()) {
		return fmt.Errorf("the log took a command after its time, last at %s: its clock is ahead, or it was slow", w.expired.UTC().Format(time.RFC3339))
	}
	return nil
}

// warn writes to the log, now and then; the caller holds mu.
func (w *Watch) warn(now time.Time, text string, args ...any) {
	if now.Sub(w.warned) >= warnEvery {
		w.warned = now
		w.log.Warn(text, args...) //nolint:sloglint // constants, both
	}
}

func recent(at, now time.Time) bool { return !at.IsZero() && now.Sub(at) < remembered }
