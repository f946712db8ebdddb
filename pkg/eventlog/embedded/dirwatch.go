package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// settled is how old a directory's last change must be when it is listed, for a
// later change to be sure to have another time: file systems count in steps.
const settled = 3 * time.Second

// dirWatch lists a directory when something may have come or gone. It keeps the
// directory open to look at it: each round does, and a walk along a path takes more
// time, and more stack than the goroutine that sends an answer begins with.
type dirWatch struct {
	path string
	dir  *os.File // nil: there was none
	stat unix.Stat_t
	// modified is the directory's time when it was listed. Only if it is sure does
	// any later change have another.
	modified unix.Timespec
	sure     bool
}

// look gives the names where they may have changed. A directory that is not there
// is empty.
func (w *dirWatch) look() (names []string, changed bool, err error) {
	if w.dir != nil && w.sure {
		err := fstat(w.dir, &w.stat)
		if err != nil || w.stat.Mtim == w.modified && w.stat.Nlink > 0 { // it was not removed
			return nil, false, err
		}
	}
	return w.list()
}

// list gives the names of the directory that is at the path now.
func (w *dirWatch) list() (names []string, changed bool, err error) {
	before := w.dir
	w.close()
	w.dir, err = os.Open(w.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, before != nil, nil
	}
	if err != nil {
		return nil, false, err
	}
	if err := fstat(w.dir, &w.stat); err != nil {
		return nil, false, err
	}
	w.modified = w.stat.Mtim
	w.sure = time.Since(time.Unix(w.modified.Unix())) > settled
	names, err = w.dir.Readdirnames(-1)
	return names, true, err
}

func (w *dirWatch) close() {
	closeRead(w.dir)
	w.dir = nil
}

// fstat is [os.File.Stat] without an allocation.
func fstat(f *os.File, to *unix.Stat_t) error {
	for {
		switch err := unix.Fstat(int(f.Fd()), to); err {
		case nil:
			return nil
		case unix.EINTR:
		default:
			return fmt.Errorf("stat %s: %w", f.Name(), err)
		}
	}
}

// closeRead closes a file that was only read, if there is one.
func closeRead(f *os.File) {
	if f != nil {
		_ = f.Close()
	}
}
