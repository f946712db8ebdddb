package cluster

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// errLocked says that another process holds the lock.
var errLocked = errors.New("locked by another process")

// tryLock takes the exclusive lock on a file and returns what releases it, once
// or more. The kernel releases it too when the process ends.
func tryLock(path string) (func(), error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return func() {}, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errLocked
	}
	if err != nil {
		_ = file.Close()
		return func() {}, err
	}
	return func() { _ = file.Close() }, nil
}

// waitLock waits for the lock.
func waitLock(ctx context.Context, path string) (unlock func(), err error) {
	err = poll(ctx, lockInterval, func() (bool, error) {
		unlock, err = tryLock(path)
		if errors.Is(err, errLocked) {
			return false, nil
		}
		return err == nil, err
	})
	return unlock, err
}
