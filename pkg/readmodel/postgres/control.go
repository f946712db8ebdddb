package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/roomlog/roomlog/migrations"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/control"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/schema"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

const (
	// controlSchema holds the list of versions.
	controlSchema = "roomlog_control"
	controlConns  = 4
	// freezeLockTimeout is how long a cut-over waits for open batches.
	freezeLockTimeout = 5 * time.Second
	// cutOverIdleTimeout is after how long the server ends the cut-over of a program
	// that does not go on: until then both versions stand still.
	cutOverIdleTimeout = 5 * time.Second
	// dropLockTimeout is how long a drop keeps others waiting for what it waits
	// for. It is shorter than the server's deadlock_timeout, so that a drop, and not
	// a reader, gives way.
	dropLockTimeout = 400 * time.Millisecond
	dropAttempts    = 25
)

// Control keeps the list of versions. See [readmodel.Control].
type Control struct {
	pool   *pgxpool.Pool
	cfg    Config // of versions
	logger *slog.Logger
}

var _ readmodel.Control = (*Control)(nil)

// OpenControl connects, and makes the control where there is none, with version
// 1 live; several programs may do so at once. The config's Version does not count;
// ReadOnly opens what exists. Fault is asked before the steps of a cut-over ("freeze
// live", "freeze target", "compare", "switch", "commit") and after it ("committed").
// Errors: [readmodel.ErrNewerSchema], [readmodel.ErrOlderSchema].
func OpenControl(ctx context.Context, cfg Config) (*Control, error) {
	c := &Control{cfg: cfg, logger: cfg.Logger}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	pool, err := cfg.pool(controlSchema)
	if err != nil {
		return nil, fmt.Errorf("open the control: %w", err)
	}
	pool.MaxConns, pool.MinConns = controlConns, 0
	// Whole versions are compared here: the planner may choose.
	for _, set := range planning {
		delete(pool.ConnConfig.RuntimeParams, set)
	}
	if c.pool, err = pgxpool.NewWithConfig(ctx, pool); err != nil {
		return nil, fmt.Errorf("open the control: %w", err)
	}
	if err := c.prepare(ctx); err != nil {
		c.pool.Close()
		return nil, fmt.Errorf("open the control in schema %s: %w", controlSchema, err)
	}
	return c, nil
}

func (c *Control) prepare(ctx context.Context) error {
	db := stdlib.OpenDBFromPool(c.pool)
	if c.cfg.ReadOnly {
		return errors.Join(schema.Check(ctx, schema.PostgresHasVersions, db, migrations.PostgresControl()), db.Close())
	}
	err := errors.Join(migrate(ctx, migration{
		pool: c.pool, schema: controlSchema,
		apply: func() error {
			return schema.Apply(ctx, goose.DialectPostgres, db, migrations.PostgresControl(), c.logger)
		},
	}), db.Close())
	if err != nil {
		return err
	}
	live, err := tables.LiveVersion(ctx, querier{tx: c.pool})
	if err != nil || live != readmodel.DefaultVersion {
		return err
	}
	return c.tables(ctx, live) // the first is made with the control
}

// Projections lists the versions.
func (c *Control) Projections(ctx context.Context) ([]readmodel.Projection, error) {
	return tables.Projections(ctx, querier{tx: c.pool})
}

// Build adds a version.
func (c *Control) Build(ctx context.Context, now int64) (p readmodel.Projection, err error) {
	err = c.change(ctx, func(tx *controlTx) error {
		p, err = control.Build(ctx, tx, tx, now)
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
		limit := fmt.Sprintf(`SET LOCAL idle_in_transaction_session_timeout = %d`, cutOverIdleTimeout.Milliseconds())
		if err := tx.Exec(ctx, limit); err != nil {
			return err
		}
		if before != nil { // a few rooms are looked up: no walk over all, whatever the statistics say
			for _, set := range planning {
				if err := tx.Exec(ctx, `SET LOCAL `+set+` = off`); err != nil {
					return err
				}
			}
		}
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

// Compare compares a version with the live one.
func (c *Control) Compare(ctx context.Context, version int) (readmodel.Comparison, error) {
	tx, err := c.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return readmodel.Comparison{}, fmt.Errorf("compare version %d: %w", version, err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	found, err := control.Compare(ctx, querier{tx: tx}, Schema, version)
	if err != nil {
		return found, fmt.Errorf("compare version %d: %w", version, gone(err))
	}
	return found, nil
}

// Drop removes a version. It waits for snapshots of it that are open, but does not
// keep anyone waiting for long.
func (c *Control) Drop(ctx context.Context, version int) error {
	var err error
	for range dropAttempts {
		err = c.change(ctx, func(tx *controlTx) error {
			if err := control.Drop(ctx, tx, version); err != nil {
				return err
			}
			for _, statement := range []string{
				fmt.Sprintf(`SET LOCAL lock_timeout = %d`, dropLockTimeout.Milliseconds()),
				fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d, %d)`, readLock, version),
				// A batch has its checkpoint first, so it is waited for here, before it
				// could meet a table that the drop has already.
				`DO $$ BEGIN IF to_regclass('` + Schema(version) + `.checkpoints') IS NOT NULL THEN
	LOCK TABLE ` + Schema(version) + `.checkpoints IN ACCESS EXCLUSIVE MODE; END IF; END $$`,
				`DROP SCHEMA IF EXISTS ` + Schema(version) + ` CASCADE`,
			} {
				if err := tx.Exec(ctx, statement); err != nil {
					return err
				}
			}
			return nil
		})
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != "55P03" && e.Code != "40P01" { // lock not available, deadlock
			break
		}
	}
	if err != nil {
		return fmt.Errorf("drop version %d: %w", version, err)
	}
	return nil
}

// Close closes the connections.
func (c *Control) Close() error {
	c.pool.Close()
	return nil
}

// tables makes the version's schema and tables, or migrates them.
func (c *Control) tables(ctx context.Context, version int) error {
	cfg := c.cfg
	cfg.Version, cfg.Existing, cfg.ReadOnly, cfg.MaxConns = version, false, false, 2
	s, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	return s.Close()
}

func (c *Control) change(ctx context.Context, run func(*controlTx) error) error {
	if c.cfg.ReadOnly {
		return readmodel.ErrReadOnly
	}
	tx, err := c.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = tx.Rollback(ctx) // of what was not committed
	}()
	if err := run(&controlTx{querier: querier{tx: tx}, tx: tx, control: c}); err != nil {
		return gone(err)
	}
	return tx.Commit(ctx)
}

// controlTx implements [control.Tx] and [control.Places]. It is READ COMMITTED: each statement sees
// what is committed when it begins.
type controlTx struct {
	querier
	tx      pgx.Tx
	control *Control
}

func (t *controlTx) Exec(ctx context.Context, sql string, args ...any) error {
	_, err := t.tx.Exec(ctx, sql, args...)
	return err
}

func (t *controlTx) Place(version int) string { return Schema(version) }

func (t *controlTx) Dialect() *tables.Dialect { return dialect }

func (t *controlTx) Checkpoints(ctx context.Context, version int) ([]readmodel.Checkpoint, error) {
	list, err := tables.CheckpointsIn(ctx, t, Schema(version))
	return list, gone(err)
}

// Freeze locks the whole table, in the place of its rows: a partition that is
// claimed for the first time has to wait too.
func (t *controlTx) Freeze(ctx context.Context, version int) error {
	// Others wait behind this lock while it waits for the batches that are open.
	if err := t.Exec(ctx, fmt.Sprintf(`SET LOCAL lock_timeout = %d`, freezeLockTimeout.Milliseconds())); err != nil {
		return err
	}
	return t.Exec(ctx, `LOCK TABLE `+Schema(version)+`.checkpoints IN SHARE ROW EXCLUSIVE MODE`)
}

func (t *controlTx) May(step string) error {
	if t.control.cfg.Fault == nil {
		return nil
	}
	return t.control.cfg.Fault(step)
}

// Taken tells whether the version's schema exists. It asks on the transaction's
// connection: others that wait for its lock may have all the rest of the pool.
func (t *controlTx) Taken(ctx context.Context, version int) (bool, error) {
	return hasSchema(ctx, t.tx, Schema(version))
}

// Make makes the version's tables, on other connections, beside the transaction.
func (t *controlTx) Make(ctx context.Context, version int) error {
	return t.control.tables(ctx, version)
}
