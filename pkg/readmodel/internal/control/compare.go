package control

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// maxSuspects is how many rooms are looked up one by one; more are compared in a walk
// over all.
const maxSuspects = 20_000

// Compare compares all rooms of a version with those of the live one, in a
// transaction that shows one moment of each.
func Compare(ctx context.Context, q tables.Querier, place func(version int) string, version int) (c readmodel.Comparison, err error) {
	live, err := tables.LiveVersion(ctx, q)
	if err != nil {
		return c, err
	}
	if c.Live, err = tables.CheckpointsIn(ctx, q, place(live)); err != nil {
		return c, fmt.Errorf("version %d: %w", live, err)
	}
	if c.Other, err = tables.CheckpointsIn(ctx, q, place(version)); err != nil {
		return c, fmt.Errorf("version %d: %w", version, err)
	}
	c.Rooms, err = tables.UnlikeRooms(ctx, q, place(live), place(version))
	return c, err
}

// same compares the rooms of two versions that stand still.
func same(ctx context.Context, tx Tx, live, version int, at []readmodel.Checkpoint, before *readmodel.Beforehand) error {
	var rooms []readmodel.Key // none: all
	if before != nil {
		there, err := tx.Checkpoints(ctx, version)
		if err != nil {
			return fmt.Errorf("version %d: %w", version, err)
		}
		var known bool
		if rooms, known = suspects(ctx, *before, at, there); known && len(rooms) == 0 {
			return nil
		}
	}
	return tx.Dialect().SameRooms(ctx, tx, tx.Place(live), tx.Place(version), at, rooms)
}

// suspects are the rooms that may differ: those that did, and those of all records
// that one of the versions had not folded then. False says that it cannot be
// known: operators have decided something since, which may be about any room; or
// the log does not say in time, or names too many.
func suspects(ctx context.Context, before readmodel.Beforehand, live, other []readmodel.Checkpoint) ([]readmodel.Key, bool) {
	if !onlyFolded(before.Live, live) || !onlyFolded(before.Other, other) {
		return nil, false
	}
	changed, err := before.Since(ctx, before.From())
	if err != nil || len(before.Rooms)+len(changed) > maxSuspects {
		return nil, false
	}
	rooms := map[readmodel.Key]struct{}{}
	for _, k := range slices.Concat(before.Rooms, changed) {
		rooms[k] = struct{}{}
	}
	return slices.Collect(maps.Keys(rooms)), true
}

// onlyFolded tells whether nothing but the next records of the same log has changed
// a version.
func onlyFolded(then, now []readmodel.Checkpoint) bool {
	was := map[events.Partition]readmodel.Checkpoint{}
	for _, c := range then {
		was[c.Partition] = c
	}
	for _, c := range now {
		w, ok := was[c.Partition]
		if !ok || c.Log != w.Log || c.Next < w.Next || c.Decisions != w.Decisions || c.DecisionsLog != w.DecisionsLog {
			return false
		}
	}
	return true
}
