package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	infoFile = "broker.json"
	lockFile = "lock"

	// lockPatience is how long Start waits for the lock: [ReadInfo] of another
	// process may hold it for an instant.
	lockPatience = 300 * time.Millisecond
)

var (
	// ErrLocked says that a running process has the data directory.
	ErrLocked = errors.New("data directory is in use")
	// ErrNotRunning says that no broker runs in a data directory.
	ErrNotRunning = errors.New("no broker is running there")
)

// Info says how to reach a broker. It is the content of broker.json.
type Info struct {
	Address  string `json:"address"`
	Username string `json:"username"`
	Password string `json:"password"`
	PID      int    `json:"pid"`
}

// ReadInfo finds the broker that runs in a data directory. [ErrNotRunning] when
// none does, whatever an earlier one left behind.
func ReadInfo(dir string) (Info, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return Info{}, fmt.Errorf("%s: %w", dir, ErrNotRunning)
	}
	if err != nil {
		return Info{}, err
	}
	defer f.Close() //nolint:errcheck // it was only looked at
	switch err := flock(f, syscall.LOCK_SH|syscall.LOCK_NB); {
	case err == nil:
		return Info{}, fmt.Errorf("%s: %w", dir, ErrNotRunning)
	case !errors.Is(err, syscall.EWOULDBLOCK):
		return Info{}, fmt.Errorf("look at the lock of %s: %w", dir, err)
	}
	info, err := readInfoFile(dir)
	if errors.Is(err, os.ErrNotExist) {
		return Info{}, fmt.Errorf("%s: %w (it is only starting)", dir, ErrNotRunning)
	}
	return info, err
}

// dirLock keeps other processes out of a directory, until it is released or the
// process ends, however it ends.
type dirLock struct{ f *os.File }

// lockDir creates dir if need be and locks it, or gives [ErrLocked].
func lockDir(ctx context.Context, dir string) (*dirLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	for {
		err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return &dirLock{f}, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(lockedBy(dir), f.Close())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (l *dirLock) release() error { return l.f.Close() }

func lockedBy(dir string) error {
	if info, err := readInfoFile(dir); err == nil && info.PID != 0 {
		return fmt.Errorf("%w: %s, by process %d (broker at %s)", ErrLocked, dir, info.PID, info.Address)
	}
	return fmt.Errorf("%w: %s", ErrLocked, dir)
}

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func readInfoFile(dir string) (info Info, err error) {
	b, err := os.ReadFile(filepath.Join(dir, infoFile))
	if err != nil {
		return Info{}, err
	}
	if err := json.Unmarshal(b, &info); err != nil {
		return Info{}, fmt.Errorf("%s: %w", filepath.Join(dir, infoFile), err)
	}
	return info, nil
}

// writeInfoFile replaces broker.json at once: a reader sees the old or the new.
func writeInfoFile(dir string, info Info) error {
	b, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, infoFile+".*") // 0600
	if err != nil {
		return fmt.Errorf("write broker.json: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, infoFile))
	}
	if err != nil {
		return fmt.Errorf("write broker.json: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
