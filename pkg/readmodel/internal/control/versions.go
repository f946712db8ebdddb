package control

import (
	"context"
	"fmt"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// Places makes the tables of versions and tells where there are any.
type Places interface {
	// Taken tells whether there is something in the version's place.
	Taken(ctx context.Context, version int) (bool, error)
	// Make makes the version's tables, empty.
	Make(ctx context.Context, version int) error
}

// Build adds a version to be built. It may leave tables behind where it fails;
// their number is then passed over.
func Build(ctx context.Context, tx tables.Tx, places Places, now int64) (readmodel.Projection, error) {
	if err := tables.LockControl(ctx, tx); err != nil {
		return readmodel.Projection{}, err
	}
	all, err := tables.Projections(ctx, tx)
	if err != nil {
		return readmodel.Projection{}, err
	}
	for _, p := range all {
		if p.State == readmodel.Building {
			return p, fmt.Errorf("version %d: %w", p.Version, readmodel.ErrBuilding)
		}
	}
	last, err := tables.LastVersion(ctx, tx)
	if err != nil {
		return readmodel.Projection{}, err
	}
	p := readmodel.Projection{Version: last + 1, State: readmodel.Building, Created: now}
	for ; ; p.Version++ {
		taken, err := places.Taken(ctx, p.Version)
		if err != nil {
			return readmodel.Projection{}, err
		}
		if !taken {
			break
		}
	}
	if err := places.Make(ctx, p.Version); err != nil {
		return readmodel.Projection{}, fmt.Errorf("make the tables of version %d: %w", p.Version, err)
	}
	if err := tables.AddProjection(ctx, tx, p); err != nil {
		return readmodel.Projection{}, err
	}
	return p, nil
}

// Drop removes a version from the list; its tables are the store's.
func Drop(ctx context.Context, tx tables.Tx, version int) error {
	_, found, err := choose(ctx, tx, version)
	if err != nil {
		return err
	}
	if found.State == readmodel.Live {
		return fmt.Errorf("version %d: %w", version, readmodel.ErrLive)
	}
	return tables.RemoveProjection(ctx, tx, version)
}
