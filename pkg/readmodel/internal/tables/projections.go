package tables

import (
	"context"
	"fmt"
	"math"

	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Tx is a transaction on the tables of the control.
type Tx interface {
	Querier
	Exec(ctx context.Context, sql string, args ...any) error
}

func scanProjection(r Row) (readmodel.Projection, error) {
	var p readmodel.Projection
	err := r.Scan(&p.Version, &p.State, &p.Created, &p.Live)
	return p, err
}

func scanInt(r Row) (int, error) {
	var v int
	err := r.Scan(&v)
	return v, err
}

// Projections lists the versions, ascending.
func Projections(ctx context.Context, q Querier) ([]readmodel.Projection, error) {
	return list(ctx, q, "versions of the projection", scanProjection, math.MaxInt,
		`SELECT version, state, created, live_since FROM projections ORDER BY version`)
}

// LiveVersion tells which version is live.
func LiveVersion(ctx context.Context, q Querier) (int, error) {
	v, ok, err := one(ctx, q, "the live version", scanInt,
		`SELECT version FROM projections WHERE state = 'live'`)
	if err == nil && !ok {
		err = fmt.Errorf("%w: none is live", readmodel.ErrNoProjection)
	}
	return v, err
}

// LockControl makes all others wait who change versions, until the transaction
// ends.
func LockControl(ctx context.Context, tx Tx) error {
	if err := tx.Exec(ctx, `UPDATE control SET one = 1 WHERE one = 1`); err != nil {
		return fmt.Errorf("lock the control: %w", err)
	}
	return nil
}

// LastVersion is the highest number that was ever given.
func LastVersion(ctx context.Context, tx Tx) (int, error) {
	v, _, err := one(ctx, tx, "the last version", scanInt,
		`SELECT last_version FROM control`)
	return v, err
}

// AddProjection writes a version that is being built.
func AddProjection(ctx context.Context, tx Tx, p readmodel.Projection) error {
	if err := tx.Exec(ctx, `UPDATE control SET last_version = $1`, p.Version); err != nil {
		return fmt.Errorf("give a number: %w", err)
	}
	err := tx.Exec(ctx, `INSERT INTO projections (version, state, created, live_since) VALUES ($1, $2, $3, $4)`,
		p.Version, string(p.State), p.Created, p.Live)
	if err != nil {
		return fmt.Errorf("add version %d: %w", p.Version, err)
	}
	return nil
}

// Switch makes another version live.
func Switch(ctx context.Context, tx Tx, version int, now int64) error {
	// In this order: one is live at a time.
	if err := tx.Exec(ctx, `UPDATE projections SET state = 'previous' WHERE state = 'live'`); err != nil {
		return fmt.Errorf("retire the live version: %w", err)
	}
	if err := tx.Exec(ctx, `UPDATE projections SET state = 'live', live_since = $2 WHERE version = $1`, version, now); err != nil {
		return fmt.Errorf("make version %d live: %w", version, err)
	}
	return nil
}

// RemoveProjection removes a version from the list.
func RemoveProjection(ctx context.Context, tx Tx, version int) error {
	if err := tx.Exec(ctx, `DELETE FROM projections WHERE version = $1`, version); err != nil {
		return fmt.Errorf("remove version %d: %w", version, err)
	}
	return nil
}

// Migration is the last one that was applied, by the table that goose keeps.
func Migration(ctx context.Context, q Querier, table string) (int64, error) {
	v, _, err := one(ctx, q, "the migration", scanInt,
		`SELECT COALESCE(MAX(version_id), 0) FROM `+table+` WHERE is_applied`)
	return int64(v), err
}
