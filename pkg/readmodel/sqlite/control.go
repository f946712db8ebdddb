package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/roomlog/roomlog/migrations"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/control"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// controlFile is the file with the list of versions, in their directory.
const controlFile = "control.db"

// Control keeps the list of versions. See [readmodel.Control].
type Control struct {
	cfg    Config // of versions
	path   string
	pool   *pool
	logger *slog.Logger
}

var _ readmodel.Control = (*Control)(nil)

// OpenControl opens the directory's control, and makes it where there is none,
// with version 1 live. The config has to have a Dir; its Path and Version do not
// count. ReadOnly opens what exists ([fs.ErrNotExist]). Fault is asked before the
// steps of a cut-over ("freeze live", "freeze target", "compare", "switch",
// "commit") and after it ("committed"). Errors: [readmodel.ErrNewerSchema],
// [readmodel.ErrOlderSchema].
func OpenControl(ctx context.Context, cfg Config) (*Control, error) {
	if cfg.Dir == "" {
		return nil, errors.New("open the control: no directory")
	}
	c := &Control{cfg: cfg, path: filepath.Join(cfg.Dir, controlFile), logger: cfg.Logger}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	var err error
	if cfg.ReadOnly {
		_, err = os.Stat(c.path)
		c.pool = newPool(reading(c.path), 1)
	} else {
		err = create(c.path)
		c.pool = newPool(writing(c.path), 1)
	}
	if err != nil {
		return nil, fmt.Errorf("open the control: %w", err)
	}
	if err := c.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the control %s: %w", c.path, err), c.Close())
	}
	return c, nil
}

func (c *Control) prepare(ctx context.Context) error {
	if c.cfg.ReadOnly {
		return c.pool.fits(ctx, migrations.SQLiteControl())
	}
	if err := c.pool.migrate(ctx, migrations.SQLiteControl(), c.logger); err != nil {
		return err
	}
	live, err := c.live(ctx)
	if err != nil || live != readmodel.DefaultVersion {
		return err
	}
	return c.Make(ctx, live) // the first is made with the control
}

// Projections lists the versions.
func (c *Control) Projections(ctx context.Context) ([]readmodel.Projection, error) {
	conn, err := c.pool.take(ctx)
	if err != nil {
		return nil, err
	}
	defer c.pool.put(ctx, conn)
	return tables.Projections(ctx, conn)
}

func (c *Control) live(ctx context.Context) (int, error) {
	conn, err := c.pool.take(ctx)
	if err != nil {
		return 0, err
	}
	defer c.pool.put(ctx, conn)
	return tables.LiveVersion(ctx, conn)
}

// Build adds a version.
func (c *Control) Build(ctx context.Context, now int64) (p readmodel.Projection, err error) {
	err = c.change(ctx, func(tx *controlTx) error {
		p, err = control.Build(ctx, tx, c, now)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("build a version: %w", err)
	}
	return p, nil
}

// CutOver makes a version live.
func (c *Control) CutOver(ctx context.Context, version int, now int64, before *readmodel.Beforehand) error {
	err := c.change(ctx, func(tx *controlTx) error {
		if err := control.CutOver(ctx, tx, version, now, before); err != nil {
			return err
		}
		return tx.May("commit")
	})
	if err == nil && c.cfg.Fault != nil {
		err = c.cfg.Fault("committed")
	}
	if err != nil {
		return fmt.Errorf("cut over to version %d: %w", version, err)
	}
	return nil
}

// Compare compares a version with the live one. Each file is seen as it is when it is
// looked at first.
func (c *Control) Compare(ctx context.Context, version int) (found readmodel.Comparison, err error) {
	err = exists(versionPath(c.cfg.Dir, version))
	if err == nil {
		err = c.change(ctx, func(tx *controlTx) error {
			found, err = control.Compare(ctx, tx, tx.Place, version)
			return err
		})
	}
	if err != nil {
		return found, fmt.Errorf("compare version %d: %w", version, err)
	}
	return found, nil
}

// Drop removes a version. Who has its file open reads it to the end; who writes to
// it is told at the next batch.
func (c *Control) Drop(ctx context.Context, version int) error {
	err := c.change(ctx, func(tx *controlTx) error { return control.Drop(ctx, tx, version) })
	if err == nil {
		// After the commit: a list without a file would be worse than a file too many.
		err = c.remove(version)
	}
	if err != nil {
		return fmt.Errorf("drop version %d: %w", version, err)
	}
	return nil
}

func (c *Control) remove(version int) error {
	path := versionPath(c.cfg.Dir, version)
	var errs []error
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Close closes the file.
func (c *Control) Close() error { return c.pool.close() }

// Taken tells whether the version's file exists.
func (c *Control) Taken(_ context.Context, version int) (bool, error) {
	_, err := os.Stat(versionPath(c.cfg.Dir, version))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Make makes the version's file and tables.
func (c *Control) Make(ctx context.Context, version int) error {
	cfg := c.cfg
	cfg.Version, cfg.Path, cfg.Existing, cfg.ReadOnly = version, "", false, false
	s, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	return s.Close()
}

// change runs a transaction on a connection of its own, which has the versions'
// files attached. It begins deferred: what it writes to it locks, and that is the
// control's file alone.
func (c *Control) change(ctx context.Context, run func(*controlTx) error) (err error) {
	if c.cfg.ReadOnly {
		return readmodel.ErrReadOnly
	}
	tx := &controlTx{dir: c.cfg.Dir, versions: map[int]*version{}, fault: c.cfg.Fault}
	tx.pool = newPool(writing(c.path), 1)
	defer func() { err = errors.Join(err, tx.close()) }()
	if tx.conn, err = tx.pool.take(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tx.release(ctx)) }()
	tx.conn.c.SetBusyTimeout(lockTimeout)
	list, err := tables.Projections(ctx, tx)
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := tx.attach(ctx, p.Version); err != nil {
			return err
		}
	}
	if err := tx.conn.begin(ctx); err != nil {
		return err
	}
	if err := run(tx); err != nil {
		return err
	}
	return tx.conn.commit(context.WithoutCancel(ctx))
}
