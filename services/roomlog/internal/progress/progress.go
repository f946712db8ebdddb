// Package progress shows how far a long command is: a bar on a terminal, a plain
// line every few seconds elsewhere.
package progress

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// plainInterval is how often a plain line is written.
const plainInterval = 5 * time.Second

// Meter shows one piece of work. It is not safe for concurrent use.
type Meter struct {
	out   io.Writer
	what  string
	unit  string
	total int64
	bar   *progressbar.ProgressBar // nil: plain lines
	done  int64
	next  time.Time // when the next plain line is due
	began time.Time // with first done already
	first int64
	now   func() time.Time
}

// Start begins to show work of a known size, in the unit's plural ("lines").
func Start(out io.Writer, what, unit string, total int64) *Meter {
	return Resume(out, what, unit, 0, total)
}

// Resume is Start for work of which some is done already: that does not count
// for the rate and for how long the rest will take.
func Resume(out io.Writer, what, unit string, done, total int64) *Meter {
	m := &Meter{out: out, what: what, unit: unit, total: total, first: done, done: done, now: time.Now}
	m.began = m.now()
	m.next = m.began.Add(plainInterval)
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		m.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(out),
			progressbar.OptionSetDescription(what),
			progressbar.OptionSetItsString(unit),
			progressbar.OptionShowIts(),
			progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetWidth(30),
			progressbar.OptionClearOnFinish(),
		)
	}
	return m
}

// Say says what is done now.
func (m *Meter) Say(what string) {
	m.what = what
	if m.bar != nil {
		m.bar.Describe(what)
	}
}

// Set says how much is done.
func (m *Meter) Set(done int64) {
	m.done = done
	if m.bar != nil {
		_ = m.bar.Set64(min(done, m.total))
		return
	}
	if now := m.now(); !now.Before(m.next) {
		m.next = now.Add(plainInterval)
		m.line(now)
	}
}

// Grow says that there is more to do than was known.
func (m *Meter) Grow(total int64) {
	if total == m.total {
		return
	}
	m.total = total
	if m.bar != nil {
		m.bar.ChangeMax64(total)
	}
}

// Add says how much more is done.
func (m *Meter) Add(n int64) { m.Set(m.done + n) }

// Finish takes the bar away.
func (m *Meter) Finish() {
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}

func (m *Meter) line(now time.Time) {
	rate := float64(m.done-m.first) / max(now.Sub(m.began).Seconds(), 0.001)
	percent := 100.0
	if m.total > 0 {
		percent = 100 * float64(m.done) / float64(m.total)
	}
	left := ""
	if m.done < m.total && rate > 0 {
		left = fmt.Sprintf(", %s left", time.Duration(float64(m.total-m.done)/rate*float64(time.Second)).Round(time.Second))
	}
	_, _ = fmt.Fprintf(m.out, "%s: %d of %d %s (%.0f%%), %.0f/s%s\n", m.what, m.done, m.total, m.unit, percent, rate, left)
}
