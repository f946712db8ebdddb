package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

const (
	rebuildPoll = 200 * time.Millisecond
	// aMoment is how long ago the log may have had what a version that has caught up has
	// folded. Under writes its end moves on; what is left the cut-over waits for.
	aMoment = 5 * time.Second
	// stuckAfter is how long a version may not move until it is looked whether it can.
	stuckAfter = 5 * time.Second
	// takenPatience is how long the projectors that run have to take over what a
	// rebuild has let go: they hear of it with their next heartbeat.
	takenPatience = 6 * time.Second
)

var (
	// ErrNoPrevious says that there is no version to go back to, or to drop.
	ErrNoPrevious = errors.New("there is no previous version of the projection")
	// ErrNotBuilding says that there is no rebuild to go on with.
	ErrNotBuilding = errors.New("no version of the projection is being built")
)

// Rebuilding is what a rebuild works on.
type Rebuilding struct {
	Installation
	// Resume goes on with the rebuild that was begun and begins none:
	// [ErrNotBuilding] where there is none.
	Resume bool
	// Progress, where set, is told how many records the new version has folded of
	// how many.
	Progress func(done, total int64)
	Logger   *slog.Logger
}

// Rebuild folds the whole log into a new version of the projection, beside the
// live one, and makes it live when it has caught up and every room has the same
// seqs for the same events. One that was begun is gone on with. Projectors that run
// fold it too; this process helps until they can go on without it.
func Rebuild(ctx context.Context, r Rebuilding) (readmodel.Projection, error) {
	p, err := r.version(ctx)
	if err != nil {
		return p, fmt.Errorf("rebuild: %w", err)
	}
	if err := r.build(ctx, p.Version); err != nil {
		return p, fmt.Errorf("rebuild: version %d: %w", p.Version, err)
	}
	return p, nil
}

func (r Rebuilding) build(ctx context.Context, version int) error {
	store, err := r.Open(ctx, version, 1)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	err = r.help(ctx, version, func(ctx context.Context) error { return r.awaitCaughtUp(ctx, store) })
	if err != nil {
		return err
	}
	// Nobody shall wait for this process when the version is read: it may be killed.
	taken, err := r.awaitTaken(ctx, store)
	if err != nil {
		return err
	}
	goLive := func(ctx context.Context) error {
		if err := r.awaitCaughtUp(ctx, store); err != nil {
			return err
		}
		return r.cutOver(ctx, version)
	}
	if taken {
		return goLive(ctx)
	}
	return r.help(ctx, version, goLive)
}

// help folds the version in this process too, until what is awaited has come.
func (r Rebuilding) help(ctx context.Context, version int, await func(context.Context) error) error {
	service, err := New(Config{}, Deps{
		Log: r.Log, Layout: r.Layout, Control: r.Control, Open: r.Open, Only: version,
		Timeline: gochannel.NewGoChannel(gochannel.Config{}, watermill.NopLogger{}), TimelineTopic: timeline.DefaultTopic,
		Metrics: prometheus.NewRegistry(), Logger: r.Logger,
	})
	if err != nil {
		return err
	}
	errDone := errors.New("done")
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return service.Run(ctx) })
	g.Go(func() error {
		if err := await(ctx); err != nil {
			return err
		}
		return errDone
	})
	if err := g.Wait(); !errors.Is(err, errDone) {
		return err
	}
	return nil
}

// awaitTaken waits until each partition of the version is folded by somebody who
// folds the live one. False says that nobody came: no projector may be running.
func (r Rebuilding) awaitTaken(ctx context.Context, store readmodel.Store) (bool, error) {
	p, err := r.oneThatIs(ctx, readmodel.Live)
	if err != nil {
		return false, err
	}
	live, err := r.Open(ctx, p.Version, 1)
	if err != nil {
		return false, err
	}
	defer func() { _ = live.Close() }()
	for end := time.Now().Add(takenPatience); ; {
		residents, err := owners(ctx, live)
		if err != nil {
			return false, err
		}
		folding, err := owners(ctx, store)
		if err != nil {
			return false, err
		}
		stranger := slices.ContainsFunc(folding, func(owner string) bool { return !slices.Contains(residents, owner) })
		if len(folding) == r.Layout.Partitions && !stranger {
			return true, nil
		}
		if time.Now().After(end) {
			return false, nil
		}
		if err := wait(ctx, rebuildPoll); err != nil {
			return false, err
		}
	}
}

// owners are those who have claimed the partitions of a version.
func owners(ctx context.Context, store readmodel.Store) ([]string, error) {
	all, err := checkpoints(ctx, store)
	owners := make([]string, len(all))
	for i, cp := range all {
		owners[i] = cp.Owner
	}
	return owners, err
}

func checkpoints(ctx context.Context, store readmodel.Store) (all []readmodel.Checkpoint, err error) {
	err = store.Snapshot(ctx, func(tables readmodel.Reader) (err error) {
		all, err = tables.Checkpoints(ctx)
		return err
	})
	return all, err
}

// version is the one to build: what was begun, or a new one.
func (r Rebuilding) version(ctx context.Context) (readmodel.Projection, error) {
	if !r.Resume {
		p, err := r.Control.Build(ctx, time.Now().UnixMilli())
		if errors.Is(err, readmodel.ErrBuilding) {
			err = nil
		}
		return p, err
	}
	p, err := r.oneThatIs(ctx, readmodel.Building)
	if errors.Is(err, readmodel.ErrNoProjection) {
		err = ErrNotBuilding
	}
	return p, err
}

// oneThatIs gives the version in a state that only one has.
func (r Rebuilding) oneThatIs(ctx context.Context, state readmodel.ProjectionState) (readmodel.Projection, error) {
	all, err := r.Control.Projections(ctx)
	if err != nil {
		return readmodel.Projection{}, err
	}
	i := slices.IndexFunc(all, func(p readmodel.Projection) bool { return p.State == state })
	if i < 0 {
		return readmodel.Projection{}, readmodel.ErrNoProjection
	}
	return all[i], nil
}

// awaitCaughtUp waits until the version has folded what the log had a moment ago.
func (r Rebuilding) awaitCaughtUp(ctx context.Context, store readmodel.Store) error {
	client, err := eventlog.NewClient(r.Log)
	if err != nil {
		return err
	}
	defer client.Close()
	last, moved := int64(-1), time.Now()
	var goal []events.Offset // the log's ends
	var set time.Time        // when they were that
	for {
		ends, err := client.Ends(ctx, r.Layout)
		if err != nil {
			return err
		}
		folded, err := checkpoints(ctx, store)
		if err != nil {
			return err
		}
		var done, total int64
		for _, end := range ends {
			total += int64(end)
		}
		for _, cp := range folded {
			done += int64(cp.Next)
		}
		if r.Progress != nil {
			r.Progress(done, total)
		}
		if reached(folded, goal) {
			if time.Since(set) <= aMoment {
				return nil
			}
			goal, set = ends, time.Now()
		}
		if done != last {
			last, moved = done, time.Now()
		}
		if time.Since(moved) > stuckAfter {
			if err := r.canBeFolded(ctx, folded); err != nil {
				return err
			}
			moved = time.Now()
		}
		if err := wait(ctx, rebuildPoll); err != nil {
			return err
		}
	}
}

// reached tells whether the checkpoints are at the ends or past them, by partition.
func reached(folded []readmodel.Checkpoint, ends []events.Offset) bool {
	missing := slices.Clone(ends)
	for _, cp := range folded {
		if int(cp.Partition) < len(missing) {
			missing[cp.Partition] -= cp.Next
		}
	}
	return !slices.ContainsFunc(missing, func(n events.Offset) bool { return n > 0 })
}

// canBeFolded fails where the log lacks what the new tables need next. Nobody
// would ever fold them to its end.
func (r Rebuilding) canBeFolded(ctx context.Context, folded []readmodel.Checkpoint) error {
	for _, cp := range folded {
		err := r.look(ctx, cp.Partition, func(log *eventlog.Reader, _ events.Offset) error {
			return partition.Recognise(ctx, log, r.Layout, cp)
		})
		if _, gap := errors.AsType[*partition.GapError](err); gap {
			return fmt.Errorf("partition %d cannot be folded from its beginning: %w", cp.Partition, err)
		}
	}
	return nil
}

// RollBack makes the version live again that was live before.
func RollBack(ctx context.Context, in Installation) (readmodel.Projection, error) {
	p, err := latestPrevious(ctx, in.Control)
	if err == nil {
		err = in.cutOver(ctx, p.Version)
	}
	if err != nil {
		return p, fmt.Errorf("roll back: %w", err)
	}
	return p, nil
}

func latestPrevious(ctx context.Context, control readmodel.Control) (latest readmodel.Projection, err error) {
	all, err := control.Projections(ctx)
	if err != nil {
		return latest, err
	}
	for _, p := range all {
		if p.State == readmodel.Previous && p.Live >= latest.Live {
			latest = p
		}
	}
	if latest.Version == 0 {
		return latest, ErrNoPrevious
	}
	return latest, nil
}

// DropOld drops every version that is in that state, and gives their numbers.
func DropOld(ctx context.Context, control readmodel.Control, state readmodel.ProjectionState) (dropped []int, err error) {
	all, err := control.Projections(ctx)
	if err != nil {
		return nil, fmt.Errorf("drop: %w", err)
	}
	for _, p := range all {
		if p.State != state {
			continue
		}
		if err := control.Drop(ctx, p.Version); err != nil {
			return dropped, fmt.Errorf("drop version %d: %w", p.Version, err)
		}
		dropped = append(dropped, p.Version)
	}
	return dropped, nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
