// Package sqlite keeps a projection in a SQLite file: the store of `roomlog
// run`. One version of the projection is one file, readmodel-vN.db; which one is
// live stands in control.db: [Control] and [Live].
//
// There is one writer connection, whose transactions begin IMMEDIATE, and a pool
// of readers; in WAL mode they do not wait for each other. Several stores, in
// several processes too, may have the file open; their writers take turns.
//
// synchronous is NORMAL: a commit survives the death of the process, and after a
// power cut the last commits may be missing, rows and checkpoint together. The
// log is the truth and is folded again from the checkpoint, so nothing is lost;
// docs/adr/020-read-model.md has the argument.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// Config says which file to open, and how.
type Config struct {
	// Dir holds the file; made where it is missing.
	Dir string
	// Path is the file itself, in the place of Dir and Version.
	Path string
	// Version of the projection; zero is [readmodel.DefaultVersion].
	Version int
	// ReadOnly opens a file that exists, beside the process that writes it. It is
	// not migrated.
	ReadOnly bool
	// Existing opens a file that exists, to write, and does not make one:
	// [readmodel.ErrNoProjection] where there is none.
	Existing bool
	// Readers is how many snapshots may be open at a time; zero: one for each
	// processor, at least 4.
	Readers int
	Logger  *slog.Logger
	// Fault, where it is set, is asked before each statement of Claim and Fold
	// ("begin", "claim", "fence", "headers", "rooms", "members", "priors",
	// "reactions", "write rooms", …, "commit") and after the commit ("committed"); an error
	// takes the statement's place. For tests of what stands on the store.
	Fault func(statement string) error
}

// Store is a projection in a file. See [readmodel.Store].
type Store struct {
	path    string
	version int
	readers *pool
	fault   func(string) error

	writer        *pool                      // of one; nil where the store is read only
	checkpoints   *pool                      // of one, as the writer
	waiting       int64                      // pages of the WAL, about, for whoever has the writer
	rooms         map[readmodel.Key]*roomEnd // for whoever has the writer
	checkpointing atomic.Bool
	background    sync.WaitGroup
}

var _ readmodel.Store = (*Store)(nil)

// Open opens the file, and creates and migrates it where need be. Errors:
// [readmodel.ErrNewerSchema]; [fs.ErrNotExist] for a missing file that is to be
// read only.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	path, err := cfg.path()
	if err != nil {
		return nil, fmt.Errorf("open the read model: %w", err)
	}
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Readers <= 0 {
		cfg.Readers = max(4, runtime.GOMAXPROCS(0))
	}
	s := &Store{path: path, version: cfg.version(), fault: cfg.Fault, rooms: map[readmodel.Key]*roomEnd{}}
	switch {
	case cfg.ReadOnly:
		_, err = os.Stat(path)
	case cfg.Existing:
		err = exists(path)
	default:
		err = create(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open the read model: %w", err)
	}
	if !cfg.ReadOnly {
		s.writer, s.checkpoints = newPool(writing(path), 1), newPool(writing(path), 1)
	}
	s.readers = newPool(reading(path), cfg.Readers)
	if err := s.prepare(ctx, logger); err != nil {
		return nil, errors.Join(fmt.Errorf("open the read model %s: %w", path, err), s.Close())
	}
	return s, nil
}

// Path is the file.
func (s *Store) Path() string { return s.path }

// Ping reports whether the file can be read.
func (s *Store) Ping(ctx context.Context) error {
	return s.Snapshot(ctx, func(r readmodel.Reader) error {
		_, _, err := r.Checkpoint(ctx, 0)
		return err
	})
}

// Snapshot reads one moment of the file. A snapshot that stays open for long
// keeps the WAL from being written back.
func (s *Store) Snapshot(ctx context.Context, read func(readmodel.Reader) error, _ ...readmodel.Ahead) error {
	c, err := s.readers.take(ctx)
	if err != nil {
		return fmt.Errorf("begin a snapshot: %w", err)
	}
	defer s.readers.put(ctx, c)
	if err := c.begin(ctx); err != nil {
		return fmt.Errorf("begin a snapshot: %w", err)
	}
	return read(tables.NewReader(c, dialect, s.version))
}

// Close waits for open snapshots and batches and closes the file.
func (s *Store) Close() error {
	var errs []error
	for _, p := range []*pool{s.readers, s.checkpoints, s.writer} { // the writer last: it writes the WAL back
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	s.background.Wait()
	return errors.Join(errs...)
}

func (c *Config) path() (string, error) {
	switch {
	case c.Path != "":
		return c.Path, nil
	case c.Dir == "":
		return "", errors.New("no directory")
	case c.Version < 0:
		return "", fmt.Errorf("version %d of the projection", c.Version)
	}
	return versionPath(c.Dir, c.version()), nil
}

func (c *Config) version() int {
	if c.Version == 0 {
		return readmodel.DefaultVersion
	}
	return c.Version
}

func versionPath(dir string, version int) string {
	return filepath.Join(dir, fmt.Sprintf("readmodel-v%d.db", version))
}

// exists looks for the file of a version.
func exists(path string) error {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", readmodel.ErrNoProjection, err)
	}
	return err
}

// create makes the file for its owner alone; SQLite gives the WAL the same mode.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
