//go:build !linux

package load

import "time"

// timer is Go's own.
type timer struct{}

func newTimer() (*timer, error) { return &timer{}, nil }

func (*timer) wait(until time.Time) error {
	time.Sleep(time.Until(until))
	return nil
}

func (*timer) close() {}
