package projector

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector/internal/announce"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

// projection folds one version of the projection: a consumer group of its own,
// so that versions do not wait for each other.
type projection struct {
	version   int
	deps      Deps
	source    *eventlog.Source
	states    *partition.States
	announcer *announce.Announcer
	owners    partition.Config
	committed chan progress
	close     func() // after run: its metrics are gone
}

type progress struct {
	partition events.Partition
	next      events.Offset
}

func newProjection(cfg Config, deps Deps, version int, store readmodel.Store, book *decisions.Book) (*projection, error) {
	source, err := eventlog.NewSource(deps.Log, deps.Layout, cfg.Group+".v"+strconv.Itoa(version))
	if err != nil {
		return nil, err
	}
	metrics := prometheus.NewRegistry()
	labelled := prometheus.WrapRegistererWith(prometheus.Labels{"projection": strconv.Itoa(version)}, deps.Metrics)
	if err := labelled.Register(metrics); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	states := partition.NewStates()
	logger := deps.Logger.With("projection", version)
	p := &projection{
		version: version, deps: deps, source: source, states: states,
		announcer: announce.New(deps.Timeline, deps.Encode, deps.TimelineTopic, version, states, metrics, logger),
		committed: make(chan progress, 1024),
		close:     func() { labelled.Unregister(metrics) },
	}
	p.owners = partition.Config{
		Store: store, Layout: deps.Layout, Owner: deps.ownerName(), Judge: room.Apply, Book: book,
		MaxBatch: cfg.MaxBatch, RoomCache: cfg.RoomCache, Slots: make(chan struct{}, cfg.Parallel),
		Announce: p.announcer.Announce, Listeners: deps.Listeners, Committed: p.noteCommitted, States: states,
		Metrics: partition.NewMetrics(metrics, states), Logger: logger, Now: time.Now,
	}
	return p, nil
}

// run folds the partitions that the group assigns to this process until ctx ends.
func (p *projection) run(ctx context.Context) error {
	// What the owners commit last is told still: these end after them.
	tail, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var tellers errgroup.Group
	tellers.Go(func() error { return p.announcer.Run(tail) })
	tellers.Go(func() error { return p.commitOffsets(tail) })
	tellers.Go(func() error { return p.watchAside(tail) })
	err := p.source.Run(ctx, func(ctx context.Context, r *eventlog.Reader) error {
		o, err := partition.NewOwner(p.owners, r)
		if err != nil {
			return err
		}
		return o.Run(ctx)
	})
	if err == nil && ctx.Err() == nil {
		err = errors.New("the consumer group ended")
	}
	stop()
	return errors.Join(err, tellers.Wait())
}

func (p *projection) noteCommitted(partition events.Partition, next events.Offset) {
	select {
	case p.committed <- progress{partition, next}:
	default: // a gauge: the next one will do
	}
}

// commitOffsets keeps the group's committed offsets near the checkpoints, so
// that any Kafka tool shows the lag. Nothing reads them.
func (p *projection) commitOffsets(ctx context.Context) error {
	tick := time.NewTicker(endsInterval)
	defer tick.Stop()
	latest := map[events.Partition]events.Offset{}
	for {
		select {
		case c := <-p.committed:
			latest[c.partition] = c.next
		case <-tick.C:
			for partition, next := range latest {
				if err := p.source.Commit(ctx, partition, next); err != nil {
					p.deps.Logger.Debug("cannot commit the group's offset", "partition", partition, "error", err)
				}
			}
			clear(latest)
		case <-ctx.Done():
			return nil
		}
	}
}

// watchAside keeps what was set aside, for the metrics and readiness.
func (p *projection) watchAside(ctx context.Context) error {
	tick := time.NewTicker(asideInterval)
	defer tick.Stop()
	for {
		var counts map[events.Partition]readmodel.Counts
		err := p.owners.Store.Snapshot(ctx, func(r readmodel.Reader) (err error) {
			counts, err = r.Counts(ctx)
			return err
		})
		if err == nil { // else the owners say so
			p.states.SetAside(counts)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
