package embedded

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
)

// durable makes what the broker has written durable before the answer that tells
// of it leaves: a round of syncing for all answers that wait (group commit).
//
// The broker writes to the page cache, in one goroutine, and only then answers.
// So whatever an answer tells of, the acknowledgement of a record as well as a
// record itself, is in the files when the answer is to be sent; a round that
// begins after that covers it. No request has to be understood for it.
type durable struct {
	dir    string   // kfake's data: topics and all else but records
	root   dirWatch // the partitions' directories
	disk   disk
	logger *slog.Logger

	joining sync.Mutex
	next    *round // not begun; nil: nobody waits for one

	syncing    sync.Mutex // held by the round under way
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

func newDurable(dir string, d disk, logger *slog.Logger) *durable {
	return &durable{
		dir: dir, root: dirWatch{path: filepath.Join(dir, "partitions")},
		disk: d, logger: logger, partitions: map[string]*segments{},
	}
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
	for _, p := range d.partitions {
		switch has, err := p.grown(d.disk); {
		case err != nil:
			return err
		case has:
			grown = append(grown, p)
		}
	}
	if len(grown) == 1 {
		return grown[0].sync(d.disk)
	}
	// At the same time, so that the file system commits its journal once for all.
	errs := make(chan error, len(grown))
	for _, p := range grown {
		go func() { errs <- p.sync(d.disk) }()
	}
	var failed error
	for range grown {
		if err := <-errs; err != nil {
			failed = err
		}
	}
	return failed
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

// close syncs for the last time and gives the files up.
func (d *durable) close() error {
	err := d.wait()
	d.syncing.Lock()
	defer d.syncing.Unlock()
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
