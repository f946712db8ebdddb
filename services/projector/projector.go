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
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/admin"
	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

const (
	// endsInterval is how often the log's ends are asked for, for the lag.
	endsInterval = 2 * time.Second
	// asideInterval is how often the tables are asked what was set aside.
	asideInterval = 5 * time.Second
)

// Deps are the parts that a projector works on. They are the caller's to close.
type Deps struct {
	Log    eventlog.Config
	Layout eventlog.Layout
	// Control says which versions of the projection there are; Open opens one, of
	// which that many batches and snapshots may be open at a time.
	Control readmodel.Control
	Open    func(ctx context.Context, version, conns int) (readmodel.Store, error)
	// Only, where not zero, is the one version to fold.
	Only     int
	Timeline message.Publisher
	// TimelineTopic is where commits are told.
	TimelineTopic string
	// Encode makes a message of a commit; the default is [timeline.NewMessage].
	Encode func(timeline.Commit) (*message.Message, error)
	// Listeners are all who follow the timeline, where that is known; nil: there are
	// some.
	Listeners *timeline.Listeners
	Metrics   prometheus.Registerer
	Logger    *slog.Logger
}

// Service is a projector.
type Service struct {
	deps     Deps
	client   *eventlog.Client
	book     *decisions.Book
	versions *versions
}

// New makes a projector.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Encode == nil {
		deps.Encode = timeline.NewMessage
	}
	client, err := eventlog.NewClient(deps.Log)
	if err != nil {
		return nil, err
	}
	book := decisions.NewBook()
	deps.Metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "roomlog_projector_decisions_ignored", Help: "Records of the decisions topic that this program cannot act upon.",
	}, func() float64 { return float64(book.Ignored()) }))
	all := &versions{
		cfg: cfg, deps: deps, running: map[int]*running{},
		make: func(version int, store readmodel.Store) (*projection, error) {
			return newProjection(cfg, deps, version, store, book)
		},
	}
	deps.Metrics.MustRegister(versionCollector{all})
	return &Service{deps: deps, client: client, book: book, versions: all}, nil
}

// ownerName tells operators which process owns a partition.
func (d Deps) ownerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	name := fmt.Sprintf("%s/%d", host, os.Getpid())
	if d.Only != 0 {
		name += "/rebuild" // it goes when the version is live
	}
	return name
}

// Run folds the partitions that the group assigns to this process until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	defer s.client.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.versions.run(ctx) })
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
				for _, v := range s.versions.all() {
					v.states.Ends(ends)
				}
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
		{Name: "database", Required: true, Run: func(ctx context.Context) (any, error) { return s.deps.Control.Projections(ctx) }},
		{Name: "decisions", Required: true, Run: s.checkDecisions},
		{Name: "partitions", Required: true, Run: s.checkPartitions},
		{Name: "rooms", Run: s.checkRooms},
	}
}

// checkDecisions fails until the operators' decisions have been read: nothing is
// folded before.
func (s *Service) checkDecisions(context.Context) (any, error) {
	if !s.book.IsReady() {
		return nil, errors.New("the decisions topic has not been read")
	}
	return map[string]int64{"next": int64(s.book.Next()), "ignored": s.book.Ignored()}, nil
}

// checkPartitions fails where a partition of the version that is read, or was,
// does not go on. One that is being built shows its trouble and is nobody's outage.
func (s *Service) checkPartitions(context.Context) (any, error) {
	detail := map[string][]partition.State{}
	var errs []error
	for _, v := range s.versions.all() {
		all := v.states.All()
		detail[strconv.Itoa(v.version)] = all
		for _, st := range all {
			if v.state != readmodel.Building && (st.Phase == partition.Paused || st.Phase == partition.Stopped) {
				errs = append(errs, fmt.Errorf("partition %d of version %d is %s: %s", st.Partition, v.version, st.Phase, st.Reason))
			}
		}
	}
	return detail, errors.Join(errs...)
}

// checkRooms reports blocked rooms of the live version. The others go on, so the
// projector is as ready as it can be.
func (s *Service) checkRooms(context.Context) (any, error) {
	blocked := int64(0)
	for _, v := range s.versions.all() {
		for _, st := range v.states.All() {
			if v.state == readmodel.Live {
				blocked += st.Aside.BlockedRooms
			}
		}
	}
	if blocked > 0 {
		return nil, fmt.Errorf("%d rooms are blocked: see roomlog projector dead list", blocked)
	}
	return nil, nil
}

// Partitions are the states of the partitions assigned to this process, of one
// version of the projection.
func (s *Service) Partitions(version int) []partition.State {
	for _, v := range s.versions.all() {
		if v.version == version {
			return v.states.All()
		}
	}
	return nil
}
