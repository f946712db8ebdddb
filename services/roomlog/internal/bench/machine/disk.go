package machine

import (
	"errors"
	"os"
	"slices"
	"time"
)

// fsyncTime is how long the disk is tried.
const fsyncTime = 500 * time.Millisecond

// fsync appends to a file and waits for the disk, again and again.
func fsync(dir string) (ms [2]float64, err error) {
	f, err := os.CreateTemp(dir, "fsync-")
	if err != nil {
		return ms, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	block := make([]byte, 4<<10)
	var took []time.Duration
	for begun := time.Now(); time.Since(begun) < fsyncTime; {
		one := time.Now()
		if _, err := f.Write(block); err != nil {
			return ms, err
		}
		if err := f.Sync(); err != nil {
			return ms, err
		}
		took = append(took, time.Since(one))
	}
	slices.Sort(took)
	for i, at := range []int{len(took) / 2, len(took) * 99 / 100} {
		ms[i] = took[at].Seconds() * 1000
	}
	return ms, nil
}
