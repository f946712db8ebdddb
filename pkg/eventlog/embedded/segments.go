package embedded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const segmentSuffix = ".dat" // behind the offset of the first record

func segmentName(base int64) string { return strconv.FormatInt(base, 10) + segmentSuffix }

// segments are the files of one partition. They are written one after the other:
// all but the newest are complete.
type segments struct {
	dir    dirWatch
	newest *os.File // nil: there is none
	base   int64    // the offset in its name
	size   int64    // as grown saw it
	// safe is how many bytes are durable, in the file or in the journal; synced how many
	// are in the file. -1: not known.
	safe, synced int64
}

func newSegments(dir string) *segments {
	return &segments{dir: dirWatch{path: dir}, base: -1}
}

// grown looks for what is not durable yet. Segments that were completed meanwhile
// it syncs itself: there is one in 100 MiB.
func (s *segments) grown(d disk) (bool, error) {
	names, changed, err := s.dir.look()
	if err != nil {
		return false, err
	}
	if changed {
		if err := s.follow(names, d); err != nil {
			return false, err
		}
	}
	if s.newest == nil {
		return false, nil
	}
	// Not by fstat: who asks for a file's times, on Linux, gets a finer clock for them,
	// so that each write sets a new time, and each sync writes that too.
	if s.size, err = s.newest.Seek(0, io.SeekEnd); err != nil {
		return false, err
	}
	if s.size < s.safe { // the broker took back what it could not write
		s.forget()
	}
	return s.size != s.safe, nil
}

// forget says that nothing is known to be durable.
func (s *segments) forget() { s.safe, s.synced = -1, -1 }

// piece is what grown saw that is not durable, where something of it is.
func (s *segments) piece() piece {
	return piece{partition: filepath.Base(s.dir.path), base: s.base, from: s.safe, size: s.size - s.safe}
}

// sync makes the newest segment durable, at least as far as grown saw it.
func (s *segments) sync(d disk) error {
	if err := d.syncData(s.newest); err != nil {
		return fmt.Errorf("sync %s: %w", s.newest.Name(), err)
	}
	s.safe, s.synced = s.size, s.size
	return nil
}

// follow goes on to the newest segment, by way of those between.
func (s *segments) follow(names []string, d disk) error {
	if s.newest != nil && !stillThere(s.newest) { // the topic was made anew
		s.leave()
	}
	var bases []int64
	for _, name := range names {
		number, ok := strings.CutSuffix(name, segmentSuffix)
		if base, err := strconv.ParseInt(number, 10, 64); ok && err == nil && base > s.base {
			bases = append(bases, base)
		}
	}
	slices.Sort(bases)
	for _, base := range bases {
		if s.newest != nil {
			if err := s.sync(d); err != nil {
				return err
			}
			s.leave()
		}
		f, err := os.Open(filepath.Join(s.dir.path, segmentName(base)))
		if errors.Is(err, fs.ErrNotExist) { // its records have been deleted
			continue
		}
		if err != nil {
			return err
		}
		s.newest, s.base = f, base
		s.forget()
	}
	if len(bases) == 0 {
		return nil
	}
	return d.syncDir(s.dir.path)
}

// close gives the files up.
func (s *segments) close() {
	s.dir.close()
	s.leave()
}

// leave gives up the newest segment.
func (s *segments) leave() {
	closeRead(s.newest)
	s.newest, s.base = nil, -1
}

// stillThere reports whether a file is the one that has its name now.
func stillThere(f *os.File) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(f.Name())
	return err == nil && os.SameFile(opened, named)
}
