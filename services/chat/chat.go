// Package chat is the service that clients talk to: the chat API over HTTP. Any
// number of processes serve the same log and read model.
//
// [New] starts nothing; [Service.Run] blocks until its context ends. Stopping
// means: no new requests, streams end with an event that says so, requests under
// way finish within [Config.StopTimeout].
package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/clock"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/ephemeral"
	"github.com/roomlog/roomlog/services/chat/internal/hook"
	"github.com/roomlog/roomlog/services/chat/internal/http1"
	"github.com/roomlog/roomlog/services/chat/internal/httpapi"
	"github.com/roomlog/roomlog/services/chat/internal/limit"
	"github.com/roomlog/roomlog/services/chat/internal/live"
	"github.com/roomlog/roomlog/services/chat/internal/position"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

const (
	courtesyTimeout = 250 * time.Millisecond
	catchUp         = 2 * time.Second
	positionWait    = 5 * time.Second

	headTimeout = 5 * time.Second
	idleTimeout = 2 * time.Minute
	// answerTimeout is how long a client may take for an answer that is no stream.
	answerTimeout = 20 * time.Second
	maxHead       = 32 << 10
)

// Log is what the API needs of the log. [OpenLog] gives one.
type Log interface {
	Layout() eventlog.Layout
	// PublishWithin is as [eventlog.Publisher.PublishWithin].
	PublishWithin(d time.Duration, m events.Message) (events.Position, error)
	// Ends gives the end of each partition, by partition.
	Ends(ctx context.Context) ([]events.Offset, error)
	// Ping reports whether the log can be reached.
	Ping(ctx context.Context) error
}

// Deps are the parts that the API works on. They are the caller's to close.
type Deps struct {
	Log Log
	// Store reads the live version of the projection.
	Store    readmodel.Store
	Timeline message.Subscriber
	// Ephemeral is how replicas tell each other what is kept nowhere. The timeline's
	// subscriber reads it.
	Ephemeral message.Publisher
	// TimelineTopic is where commits are told; the default is
	// [timeline.DefaultTopic].
	TimelineTopic string
	// Listeners counts those who follow, for a projector of the same process; may be nil.
	Listeners *timeline.Listeners
	// Now is the clock by which the API judges; nil: [time.Now].
	Now     func() time.Time
	Metrics prometheus.Registerer
	Logger  *slog.Logger
}

// Service is the chat API.
type Service struct {
	cfg      Config
	deps     Deps
	auth     *auth.Verifier
	hook     *hook.Hook // nil: nobody is asked
	follower *live.Follower
	hub      *live.Hub
	board    *ephemeral.Board
	clock    *clock.Watch
	revoked  *auth.Revocations
	api      *httpapi.Server
	stop     chan struct{}
}

// New makes the API.
func New(cfg Config, deps Deps) (*Service, error) {
	warnings, err := cfg.Validate()
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		deps.Logger.Warn(w) //nolint:sloglint // a warning is a sentence
	}
	orDefault(&deps.TimelineTopic, timeline.DefaultTopic)
	if deps.Now == nil {
		deps.Now = time.Now
	}
	verifier, err := auth.New(cfg.auth(deps.Logger))
	if err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, deps: deps, auth: verifier, revoked: auth.NewRevocations(), hub: live.NewHub(deps.Logger, deps.Listeners), clock: clock.NewWatch(deps.Now, deps.Logger), stop: make(chan struct{})}
	layout := deps.Log.Layout()
	s.follower = live.NewFollower(live.FollowerConfig{
		Timeline: deps.Timeline, Topic: deps.TimelineTopic, Store: deps.Store, Log: layout.Log,
		Hub: s.hub, Revocations: s.revoked, Saw: s.clock.Saw, Logger: deps.Logger, Now: deps.Now,
	})
	gate := position.NewGate(deps.Log, s.follower)
	rooms := limit.New[readmodel.Key](limit.Policy{Name: "room", Rate: cfg.RoomRate, Burst: cfg.RoomBurst})
	metrics := newMetrics(deps.Metrics, s.hub, s.clock)
	reads := query.New(query.Config{
		Store: deps.Store, Gate: gate, Follower: s.follower, Log: layout.Log, Now: deps.Now,
		Timeout: cfg.ReadTimeout, Wait: positionWait,
	})
	s.board = ephemeral.New(ephemeral.Config{
		Publisher: deps.Ephemeral, Subscriber: deps.Timeline, Topic: timeline.EphemeralTopic, Replica: events.NewID(deps.Now()),
		Hub: s.hub, Rooms: reads.PresenceRooms, Logger: deps.Logger, Now: deps.Now,
	})
	if s.hook, err = cfg.Hook.open(metrics, deps.Logger); err != nil {
		return nil, err
	}
	s.api, err = httpapi.New(httpapi.Config{
		Auth: verifier, Revocations: s.revoked, Gate: gate, Hub: s.hub, Board: s.board, Reads: reads, Metrics: metrics, Logger: deps.Logger, Now: deps.Now,
		NewID: events.NewID, WriteTimeout: cfg.StreamTimeout, Stop: s.stop,
		Limits: httpapi.Limits{
			Reads:    limit.New[auth.Account](limit.Policy{Name: "reads", Rate: cfg.ReadRate, Burst: cfg.ReadBurst}),
			Commands: limit.New[auth.Account](limit.Policy{Name: "commands", Rate: cfg.Rate, Burst: cfg.Burst}),
			Rooms:    rooms, Requests: cfg.MaxRequests, Streams: cfg.MaxStreams,
		},
		Commands: command.New(command.Config{
			Log: deps.Log, Store: deps.Store, LogID: layout.Log, Gate: gate, Follower: s.follower, Now: deps.Now,
			NewID: events.NewID, Observer: metrics, Logger: deps.Logger,
			PublishTimeout: cfg.PublishTimeout, CourtesyTimeout: courtesyTimeout, CatchUp: catchUp,
			ReadTimeout: cfg.ReadTimeout, Rooms: rooms, Hook: s.askedHook(),
			Unchecked: limit.New[auth.Account](limit.Policy{Name: "unchecked", Rate: cfg.UncheckedRate, Burst: cfg.UncheckedBurst}),
		}),
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// ListenAPI takes the API's address, so that a caller can say what is wrong with it
// before anything is started.
func (c Config) ListenAPI(ctx context.Context) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	return l, nil
}

// Run serves on l, which it closes, until ctx ends.
func (s *Service) Run(ctx context.Context, l net.Listener) error {
	server := &http1.Server{
		Handler: s.api, Logger: s.deps.Logger,
		HeadTimeout: min(headTimeout, s.cfg.RequestTimeout), RequestTimeout: s.cfg.RequestTimeout,
		IdleTimeout: idleTimeout, AnswerTimeout: answerTimeout, MaxHead: maxHead,
	}
	// Requests that finish while the server stops wait for verdicts still.
	tail, stopTail := context.WithCancel(context.WithoutCancel(ctx))
	var background errgroup.Group
	background.Go(func() error { return s.follower.Run(tail) })
	background.Go(func() error { return s.board.Run(tail) })
	background.Go(func() error { return s.auth.Run(tail) })
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }() //nolint:contextcheck // a request has a context of its own
	var err error
	select {
	case err = <-served:
		close(s.stop)
		s.drain(ctx, server)
	case <-ctx.Done():
		close(s.stop)
		s.drain(ctx, server)
		if end := <-served; !errors.Is(end, http.ErrServerClosed) {
			err = end
		}
	}
	stopTail()
	if s.hook != nil {
		s.hook.Close()
	}
	return errors.Join(err, background.Wait())
}

// drain lets requests and streams finish, for a while.
func (s *Service) drain(ctx context.Context, server *http1.Server) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.StopTimeout)
	defer cancel()
	if err := errors.Join(server.Shutdown(bounded), s.api.Drain(bounded)); err != nil {
		s.deps.Logger.Warn("requests were cut off", "after", s.cfg.StopTimeout)
		server.Close()
	}
}

// Handler is what Run serves, for those who need no listener. It answers as long as
// the service runs.
func (s *Service) Handler() http.Handler { return s.api }

// Followers is how many streams and long polls are open.
func (s *Service) Followers() int { return s.hub.Followers() }
