package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime"
	"sync"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// snapshotAttempts bounds how often a snapshot begins anew because the version
// that it found live was dropped in the same moment.
const snapshotAttempts = 20

// Live reads the version that is live, whichever that is: each snapshot asks the
// control. It does not write. It has the live version's file open, and those
// of earlier ones while snapshots of them are.
type Live struct {
	cfg     Config
	control *pool
	logger  *slog.Logger

	mu      sync.Mutex
	current int // the version that was live when it was asked last
	open    map[int]*opened
	closed  bool
}

// opened is a version's file in use.
type opened struct {
	store *Store
	users int
}

var _ readmodel.Store = (*Live)(nil)

// OpenLive opens the directory's live version. Unless the config says ReadOnly, it
// makes what [OpenControl] makes, and migrates versions as it comes to them. The
// config has to have a Dir; its Path and Version do not count.
func OpenLive(ctx context.Context, cfg Config) (*Live, error) {
	c, err := OpenControl(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Readers <= 0 {
		cfg.Readers = max(4, runtime.GOMAXPROCS(0))
	}
	cfg.Path, cfg.Existing = "", true
	s := &Live{cfg: cfg, control: newPool(reading(c.path), cfg.Readers), logger: c.logger, open: map[int]*opened{}}
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the live read model: %w", err), s.Close(), c.Close())
	}
	// By now a connection for reading holds the file, so that closing this one does
	// not take the WAL away.
	if err := c.Close(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the live read model: %w", err), s.Close())
	}
	return s, nil
}

// Claim fails: what is live is for reading.
func (s *Live) Claim(context.Context, events.Partition, events.LogID, string) (readmodel.Checkpoint, error) {
	return readmodel.Checkpoint{}, readmodel.ErrReadOnly
}

// Fold fails like Claim.
func (s *Live) Fold(context.Context, readmodel.Fence, readmodel.Needs, func(readmodel.Rows) (readmodel.Batch, error)) error {
	return readmodel.ErrReadOnly
}

// Snapshot reads one moment of the version that is live in that moment.
func (s *Live) Snapshot(ctx context.Context, read func(readmodel.Reader) error, _ ...readmodel.Ahead) error {
	version, err := s.guess(ctx)
	if err != nil {
		return fmt.Errorf("begin a snapshot: %w", err)
	}
	for range snapshotAttempts {
		var live int
		if live, err = s.try(ctx, version, read); live == version {
			return err
		}
		if live != 0 {
			version = live
		}
	}
	if err == nil {
		err = errors.New("the live version changes too often")
	}
	return fmt.Errorf("begin a snapshot of version %d: %w", version, err)
}

// try reads where the version is live, and tells which one is; zero where that is
// not known.
func (s *Live) try(ctx context.Context, version int, read func(readmodel.Reader) error) (live int, err error) {
	store, err := s.use(ctx, version)
	if err != nil {
		return s.instead(ctx, version, err)
	}
	defer s.done(version)
	begun := false
	err = store.Snapshot(ctx, func(r readmodel.Reader) error {
		// The first statement fixes the moment, and only then is it asked whether the
		// version is live: one that has been retired before may have folded more than
		// the live one has, and the next read would go back in time.
		if _, _, err := r.Checkpoint(ctx, 0); err != nil {
			return err
		}
		now, err := s.version(ctx)
		if err != nil {
			return err
		}
		live, begun = now, now == version
		if !begun {
			return nil
		}
		return read(r)
	})
	if err != nil && !begun {
		return s.instead(ctx, version, err)
	}
	return live, err
}

// instead tells which version is live where a snapshot of one did not begin: that one
// may be dropped, whatever the error, as its files go one by one, and has not been live
// for a while.
func (s *Live) instead(ctx context.Context, version int, err error) (live int, _ error) {
	now, other := s.version(ctx)
	switch {
	case other != nil:
		return version, errors.Join(err, other)
	case now != version:
		return now, err
	case errors.Is(err, readmodel.ErrNoProjection), errors.Is(err, fs.ErrNotExist):
		return 0, err // dropped, it cannot be live; a moment later that shows
	}
	return version, err
}

// guess is the version that was live when it was asked last.
func (s *Live) guess(ctx context.Context) (int, error) {
	s.mu.Lock()
	current := s.current
	s.mu.Unlock()
	if current != 0 {
		return current, nil
	}
	return s.version(ctx)
}

// version asks the control which version is live.
func (s *Live) version(ctx context.Context) (int, error) {
	c, err := s.control.take(ctx)
	if err != nil {
		return 0, err
	}
	defer s.control.put(ctx, c)
	version, err := tables.LiveVersion(ctx, c)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = version
	s.tidy()
	return version, nil
}

// use gives the store of a version, until done is called.
func (s *Live) use(ctx context.Context, version int) (*Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	o, ok := s.open[version]
	if !ok {
		cfg := s.cfg
		cfg.Version = version
		store, err := Open(ctx, cfg)
		if err != nil {
			return nil, err
		}
		o = &opened{store: store}
		s.open[version] = o
	}
	o.users++
	return o.store, nil
}

func (s *Live) done(version int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.open[version]; ok {
		o.users--
	}
	s.tidy()
}

// tidy closes the files of versions that are not live and that nobody reads.
func (s *Live) tidy() {
	for version, o := range s.open {
		if version == s.current || o.users > 0 {
			continue
		}
		delete(s.open, version)
		if err := o.store.Close(); err != nil {
			s.logger.Warn("close a version of the read model", "projection", version, "error", err)
		}
	}
}

// Ping reports whether the live version can be read.
func (s *Live) Ping(ctx context.Context) error {
	return s.Snapshot(ctx, func(r readmodel.Reader) error {
		_, _, err := r.Checkpoint(ctx, 0)
		return err
	})
}

// Close waits for open snapshots and closes the files.
func (s *Live) Close() error {
	s.mu.Lock()
	s.closed = true
	open := s.open
	s.open = map[int]*opened{}
	s.mu.Unlock()
	var errs []error
	for _, o := range open {
		errs = append(errs, o.store.Close()) // waits for its snapshots
	}
	return errors.Join(append(errs, s.control.close())...)
}
