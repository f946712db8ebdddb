// Package projector is the service that folds the log into the read model. Any
// number of processes share the log's partitions as one consumer group.
//
// [New] starts nothing; [Service.Run] blocks until its context ends or something
// fails that trying again cannot mend. A partition's own trouble never ends Run:
// it is paused or stopped and shows in [Service.Checks].
package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/admin"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector/internal/announce"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

// endsInterval is how often the log's ends are asked for, for the lag.
const endsInterval = 2 * time.Second

// Deps are the parts that a projector works on. They are the caller's to close.
type Deps struct {
	Log      eventlog.Config
	Layout   eventlog.Layout
	Store    readmodel.Store
	Timeline message.Publisher
	// TimelineTopic is where commits are told.
	TimelineTopic string
	// Projection is the version of the projection that Store holds.
	Projection int
	Metrics    prometheus.Registerer
	Logger     *slog.Logger
}

// Service is a projector.
type Service struct {
	cfg       Config
	deps      Deps
	source    *eventlog.Source
	client    *eventlog.Client
	states    *partition.States
	announcer *announce.Announcer
	owners    partition.Config
	committed chan progress
}

type progress struct {
	partition events.Partition
	next      events.Offset
}

// New makes a projector.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	source, err := eventlog.NewSource(deps.Log, deps.Layout, cfg.Group)
	if err != nil {
		return nil, err
	}
	client, err := eventlog.NewClient(deps.Log)
	if err != nil {
		return nil, err
	}
	states := partition.NewStates()
	s := &Service{
		cfg: cfg, deps: deps, source: source, client: client, states: states,
		announcer: announce.New(deps.Timeline, deps.TimelineTopic, deps.Projection, states, deps.Metrics, deps.Logger),
		committed: make(chan progress, 1024),
	}
	s.owners = partition.Config{
		Store: deps.Store, Layout: deps.Layout, Owner: ownerName(), Judge: room.Apply,
		MaxBatch: cfg.MaxBatch, HeaderCache: cfg.RoomCache, Slots: make(chan struct{}, cfg.Parallel),
		Announce: s.announcer.Announce, Committed: s.noteCommitted, States: states,
		Metrics: partition.NewMetrics(deps.Metrics, states), Logger: deps.Logger, Now: time.Now,
	}
	return s, nil
}

// ownerName tells operators which process owns a partition.
func ownerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

// Run folds the partitions that the group assigns to this process until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	defer s.client.Close()
	// What the owners commit last is told still: these end after them.
	tail, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var tellers errgroup.Group
	tellers.Go(func() error { return s.announcer.Run(tail) })
	tellers.Go(func() error { return s.commitOffsets(tail) })

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		err := s.source.Run(ctx, func(ctx context.Context, r *eventlog.Reader) error {
			o, err := partition.NewOwner(s.owners, r)
			if err != nil {
				return err
			}
			return o.Run(ctx)
		})
		if err == nil && ctx.Err() == nil {
			err = errors.New("the consumer group ended")
		}
		return err
	})
	g.Go(func() error { return s.watchEnds(ctx) })
	err := g.Wait()
	stop()
	if err = errors.Join(err, tellers.Wait()); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("projector: %w", err)
	}
	return nil
}

func (s *Service) noteCommitted(p events.Partition, next events.Offset) {
	select {
	case s.committed <- progress{p, next}:
	default: // a gauge: the next one will do
	}
}

// commitOffsets keeps the group's committed offsets near the checkpoints, so
// that any Kafka tool shows the lag. Nothing reads them.
func (s *Service) commitOffsets(ctx context.Context) error {
	tick := time.NewTicker(endsInterval)
	defer tick.Stop()
	latest := map[events.Partition]events.Offset{}
	for {
		select {
		case p := <-s.committed:
			latest[p.partition] = p.next
		case <-tick.C:
			for p, next := range latest {
				if err := s.source.Commit(ctx, p, next); err != nil {
					s.deps.Logger.Debug("cannot commit the group's offset", "partition", p, "error", err)
				}
			}
			clear(latest)
		case <-ctx.Done():
			return nil
		}
	}
}

// watchEnds keeps the log's ends, for lag.
func (s *Service) watchEnds(ctx context.Context) error {
	tick := time.NewTicker(endsInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if ends, err := s.client.Ends(ctx, s.deps.Layout); err == nil {
				s.states.Ends(ends)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Checks report whether the projector can do its work.
func (s *Service) Checks() []admin.Check {
	return []admin.Check{
		{Name: "log", Required: true, Run: func(ctx context.Context) (any, error) { return nil, s.client.Ping(ctx) }},
		{Name: "database", Required: true, Run: func(ctx context.Context) (any, error) { return nil, s.deps.Store.Ping(ctx) }},
		{Name: "partitions", Required: true, Run: s.checkPartitions},
	}
}

func (s *Service) checkPartitions(context.Context) (any, error) {
	all := s.Partitions()
	var errs []error
	for _, st := range all {
		if st.Phase == partition.Paused || st.Phase == partition.Stopped {
			errs = append(errs, fmt.Errorf("partition %d is %s: %s", st.Partition, st.Phase, st.Reason))
		}
	}
	return all, errors.Join(errs...)
}

// Partitions are the states of the partitions assigned to this process.
func (s *Service) Partitions() []partition.State { return s.states.All() }
