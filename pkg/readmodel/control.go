package readmodel

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	//
	// All rooms are compared while both versions stand still, unless before says which
	// were equal shortly before: then only those that may have changed since.
	CutOver(ctx context.Context, version int, now int64, before *Beforehand) error
	// Compare compares all rooms of a version with those of the live one, at one
	// moment of each, and stops nobody.
	Compare(ctx context.Context, version int) (Comparison, error)
	// Drop removes a version and its tables; not the live one ([ErrLive]). It waits
	// for snapshots that a live store has open. Who folds it is told
	// ([ErrNoProjection]) at the next claim or batch.
	Drop(ctx context.Context, version int) error
	Close() error
}

// Comparison is which rooms two versions did not have alike: not the same seqs,
// or not for the same events. All others they had.
type Comparison struct {
	// Live and Other are the checkpoints of that moment.
	Live, Other []Checkpoint
	Rooms       []Key
}

// From gives the first offset of each partition that one of the two had not folded.
func (c Comparison) From() map[events.Partition]events.Offset {
	from := map[events.Partition]events.Offset{}
	for _, cp := range slices.Concat(c.Live, c.Other) {
		if first, ok := from[cp.Partition]; !ok || cp.Next < first {
			from[cp.Partition] = cp.Next
		}
	}
	return from
}

// Beforehand is what a cut-over knows already.
type Beforehand struct {
	Comparison
	// Since names the rooms of all records that the log has at those offsets and later,
	// by partition. Both versions stand still meanwhile.
	Since func(ctx context.Context, from map[events.Partition]events.Offset) ([]Key, error)
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
