package load

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// timer wakes to some ten microseconds: Go's own timers wait for whole
// milliseconds where nothing else happens, which is as long as what is measured.
type timer struct {
	fd   int
	file *os.File // the same, read through the runtime's poller
}

func newTimer() (*timer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &timer{fd, os.NewFile(uintptr(fd), "timer")}, nil
}

func (t *timer) wait(until time.Time) error {
	d := time.Until(until)
	if d <= 0 {
		return nil
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(d.Nanoseconds())}
	if err := unix.TimerfdSettime(t.fd, 0, &spec, nil); err != nil {
		return os.NewSyscallError("timerfd_settime", err)
	}
	var expired [8]byte
	_, err := t.file.Read(expired[:])
	return err
}

func (t *timer) close() { _ = t.file.Close() }
