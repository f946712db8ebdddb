package embedded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/processors"
)

// durable makes what the broker has written durable before the answer that tells
// of it leaves: a round for all answers that wait (group commit).
//
// The broker writes to the page cache, in one goroutine, and only then answers.
// So whatever an answer tells of, the acknowledgement of a record as well as a
// record itself, is in the files when the answer is to be sent; a round that
// begins after that covers it. No request has to be understood for it.
//
// A round writes what segments have got since the last one into the [journal], and
// syncs that. Their files are synced when the journal is full, and when one of them may
// not be what the journal knows.
type durable struct {
	dir    string   // kfake's data: topics and all else but records
	root   dirWatch // the partitions' directories
	disk   disk
	logger *slog.Logger

	// complained is set by the broker's warnings, doubt before it writes the next time: it
	// may have taken back what it could not write, and writes something else there.
	complained, doubt atomic.Bool

	joining sync.Mutex
	next    *round // not begun; nil: nobody waits for one

	syncing    sync.Mutex // held by the round under way
	journal    *journal
	partitions map[string]*segments
	failed     error // what could not be made durable: nothing is, from then on
}

// disk is how files reach the disk.
type disk interface {
	syncData(f *os.File) error
	syncDir(path string) error
}

// round is one pass over all files, which begins after all who wait for it have
// come.
type round struct {
	done chan struct{}
	err  error
}

// openDurable takes up the data in dir, which nobody else has open, as far as it was
// durable: what the journal has is in the segments then. The first wait syncs them.
func openDurable(dir string, cfg Config) (*durable, error) {
	d := &durable{
		dir: dir, root: dirWatch{path: filepath.Join(dir, "partitions")},
		disk: cfg.disk, logger: cfg.Logger, partitions: map[string]*segments{},
	}
	var err error
	if d.journal, err = openJournal(cfg.Dir, cfg.disk, cfg.journal); err != nil {
		return nil, err
	}
	if err := d.recover(); err != nil {
		return nil, errors.Join(err, d.journal.close())
	}
	return d, nil
}

// recover writes the journal's pieces into the segments. Of a process that was killed they
// have them already.
func (d *durable) recover() error {
	files := map[string]*os.File{}
	defer func() {
		for _, f := range files {
			closeRead(f)
		}
	}()
	return d.journal.each(func(p piece, data []byte) error {
		name := filepath.Join(p.partition, segmentName(p.base))
		f, ok := files[name]
		if !ok {
			var err error
			if f, err = os.OpenFile(filepath.Join(d.root.path, name), os.O_WRONLY, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			files[name] = f
		}
		if f == nil { // its records, or its topic, have been deleted since
			return nil
		}
		if size, err := f.Seek(0, io.SeekEnd); err != nil || size < p.from {
			return err // it is another file, which has got that name since
		}
		_, err := f.WriteAt(data, p.from)
		return err
	})
}

// wait returns when everything is durable that was written before it was called.
// An error stays: the kernel may have dropped what it could not write, so that no
// later round says anything about it.
func (d *durable) wait() error {
	d.joining.Lock()
	r, first := d.next, d.next == nil
	if first {
		r = &round{done: make(chan struct{})}
		d.next = r
	}
	d.joining.Unlock()
	if first {
		d.syncing.Lock() // the round before ends
		d.joining.Lock()
		d.next = nil // who comes from now on may have written what this one does not see
		d.joining.Unlock()
		r.err = d.sync()
		d.syncing.Unlock()
		close(r.done)
	}
	<-r.done
	return r.err
}

// sync is one round.
func (d *durable) sync() error {
	if d.failed == nil {
		if d.failed = d.syncGrown(); d.failed != nil {
			d.failed = fmt.Errorf("embedded broker: the log cannot be made durable, nothing is acknowledged any more: %w", d.failed)
			d.logger.Error("the log cannot be made durable, nothing is acknowledged any more", "error", d.failed)
		}
	}
	return d.failed
}

func (d *durable) syncGrown() error {
	if err := d.find(); err != nil {
		return err
	}
	var grown []*segments
	length, doubt, settle := int64(0), d.doubt.Swap(false), false
	for _, p := range d.partitions {
		if doubt {
			p.forget()
		}
		switch has, err := p.grown(d.disk); {
		case err != nil:
			return err
		case has:
			grown = append(grown, p)
			length += p.piece().length()
			settle = settle || p.safe < 0
		}
	}
	if len(grown) == 0 {
		return nil
	}
	if settle || !d.journal.takes(length) {
		return d.settle()
	}
	for _, p := range grown {
		if err := d.journal.add(p.piece(), p.newest); err != nil {
			return d.settle() // it is shorter now
		}
	}
	if err := d.journal.write(); err != nil {
		return err
	}
	for _, p := range grown {
		p.safe = p.size
	}
	return nil
}

// settle syncs all segments themselves, and has the journal begin anew.
func (d *durable) settle() error {
	// At the same time, so that the file system commits its journal once for all.
	var syncing errgroup.Group
	for _, p := range d.partitions {
		if p.newest != nil && p.synced != p.size {
			syncing.Go(func() error { return p.sync(d.disk) })
		}
	}
	if err := processors.Blocking(syncing.Wait); err != nil {
		return err
	}
	return d.journal.restart()
}

// find looks for partitions that have come or gone.
func (d *durable) find() error {
	names, changed, err := d.root.look()
	if err != nil || !changed {
		return err
	}
	return d.follow(names)
}

// follow takes up the partitions that are there now. It is apart from find because of
// its frame, for which the stack of each answer's goroutine would have to grow.
func (d *durable) follow(names []string) error {
	found := make(map[string]*segments, len(names))
	for _, name := range names {
		if found[name] = d.partitions[name]; found[name] == nil {
			found[name] = newSegments(filepath.Join(d.root.path, name))
		}
	}
	for name, p := range d.partitions {
		if found[name] == nil {
			p.close()
		}
	}
	d.partitions = found
	// The topic was written down before its first partition was made.
	for _, dir := range []string{d.root.path, d.dir, filepath.Dir(d.dir)} {
		if err := d.disk.syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// complain notes a warning of the broker.
func (d *durable) complain() {
	if d != nil {
		d.complained.Store(true)
	}
}

// beforeWrite is called by the broker, before each request that writes. So whoever sees
// what is written then also sees the doubt.
func (d *durable) beforeWrite() {
	if d != nil && d.complained.Swap(false) {
		d.doubt.Store(true)
	}
}

// close syncs for the last time and gives the files up. Nothing is in the journal then.
func (d *durable) close() error {
	d.doubt.Store(true)
	err := d.wait()
	d.syncing.Lock()
	defer d.syncing.Unlock()
	err = errors.Join(err, d.journal.close())
	for _, p := range d.partitions {
		p.close()
	}
	d.partitions = nil
	d.root.close()
	if d.failed == nil {
		d.failed = os.ErrClosed // an answer that comes too late is not one
	}
	return err
}
