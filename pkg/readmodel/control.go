package readmodel

import (
	"context"
	"errors"
	"fmt"

	"github.com/roomlog/roomlog/pkg/events"
)

var (
	// ErrNoProjection says that there is no such version of the projection.
	ErrNoProjection = errors.New("no such version of the projection")
	// ErrLive says that the live version cannot be dropped.
	ErrLive = errors.New("the version is live")
	// ErrBuilding says that one version is being built already.
	ErrBuilding = errors.New("a version is being built already")
)

// ProjectionState is what a version of the projection is for.
type ProjectionState string

// States of versions. Projectors fold all of them, until they are dropped.
const (
	// Building versions have never been live.
	Building ProjectionState = "building"
	// Live is the one that the API answers from.
	Live ProjectionState = "live"
	// Previous versions were live and go on folding, so that one can go back.
	Previous ProjectionState = "previous"
)

// Projection is a version of the projection: tables of its own, with
// checkpoints of their own.
type Projection struct {
	Version int             `json:"version"`
	State   ProjectionState `json:"state"`
	// Created and Live are when it was made and went live last, in Unix
	// milliseconds; zero: never.
	Created int64 `json:"created"`
	Live    int64 `json:"live"`
}

// Control says which versions there are and which one is live. It lives beside
// them, in a schema or a file of its own. It is safe for concurrent use, by many
// processes.
type Control interface {
	// Projections lists the versions, ascending. There is always a live one: the
	// first is made with the control itself.
	Projections(ctx context.Context) ([]Projection, error)
	// Build adds a version to be built, with empty tables. [ErrBuilding] where one
	// is being built; it names that one.
	Build(ctx context.Context, now int64) (Projection, error)
	// CutOver makes a version live, in one transaction. Under writes two versions
	// are never at the same checkpoints by chance, so it holds the live version's
	// checkpoints first (its folding waits, nothing else does), waits until the
	// other one has reached them in every partition ([BehindError] where that takes
	// longer than ctx or a second or two), holds those too, and compares: every room
	// of the live version must have the same seqs for the same events in the other
	// one ([DiffersError]). Rooms are told by their digests; where the other version
	// is ahead, the live digest is carried on over the events that it lacks. The one
	// that was live becomes [Previous]. Going back is the same step; to the one that
	// is live is none. Versions that fold different logs are refused too.
	CutOver(ctx context.Context, version int, now int64) error
	// Drop removes a version and its tables; not the live one ([ErrLive]). It waits
	// for snapshots that a live store has open. Who folds it is told
	// ([ErrNoProjection]) at the next claim or batch.
	Drop(ctx context.Context, version int) error
	Close() error
}

// BehindError says that a version has not reached the live checkpoint.
type BehindError struct {
	Partition  events.Partition
	Next, Live events.Offset
}

func (e *BehindError) Error() string {
	return fmt.Sprintf("partition %d is at offset %d, the live version at %d", e.Partition, e.Next, e.Live)
}

// DiffersError says that two versions do not agree on the seqs of rooms.
type DiffersError struct {
	Rooms int64
	First Key
}

func (e *DiffersError) Error() string {
	return fmt.Sprintf("%d rooms do not have the same seqs for the same events in both versions, the first is %s/%s", e.Rooms, e.First.Tenant, e.First.Room)
}
