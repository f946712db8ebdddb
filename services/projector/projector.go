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
	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/readmodel"
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
	deps       Deps
	client     *eventlog.Client
	book       *decisions.Book
	projection *projection
}

// New makes a projector.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	client, err := eventlog.NewClient(deps.Log)
	if err != nil {
		return nil, err
	}
	book := decisions.NewBook()
	p, err := newProjection(cfg, deps, deps.Projection, deps.Store, book)
	if err != nil {
		return nil, err
	}
	return &Service{deps: deps, client: client, book: book, projection: p}, nil
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
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.projection.run(ctx) })
	g.Go(func() error { return s.watchEnds(ctx) })
	g.Go(func() error { return s.book.Follow(ctx, s.deps.Log, s.deps.Logger) })
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("projector: %w", err)
	}
	return nil
}

// watchEnds keeps the log's ends, for lag.
func (s *Service) watchEnds(ctx context.Context) error {
	tick := time.NewTicker(endsInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if ends, err := s.client.Ends(ctx, s.deps.Layout); err == nil {
				s.projection.states.Ends(ends)
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
func (s *Service) Partitions() []partition.State { return s.projection.states.All() }
