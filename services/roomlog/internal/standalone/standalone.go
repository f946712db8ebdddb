// Package standalone runs all of roomlog in one process: the embedded broker,
// tables in SQLite, the projector and the API, of one data directory. Brokers or
// a database elsewhere may take the place of either; nothing else changes.
package standalone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/roomlog/roomlog/pkg/admin"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/projector"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
	"github.com/roomlog/roomlog/services/roomlog/internal/token"
)

const (
	// drainTimeout is the longest that requests may take to finish when the
	// process stops, closeTimeout the longest that closing may take after that:
	// together with the projector's batch, less than five seconds.
	drainTimeout = 2 * time.Second
	closeTimeout = 2 * time.Second
)

// Config says what to run.
type Config struct {
	Site site.Flags
	// Chat's secret, where it has none, is that of the data directory.
	Chat      chat.Config
	Projector projector.Config
	// Admin is where health, readiness, metrics and profiles are served.
	Admin  string
	Logger *slog.Logger
}

// Addresses are where a running process listens.
type Addresses struct {
	API, Admin net.Addr
}

// Run runs everything until ctx ends, then stops it: the API first, so that
// nothing new comes in; then the projector, when it has finished its batch; then
// the tables and the log. Ready is called once, when requests are served.
func Run(ctx context.Context, c Config, ready func(Addresses)) (err error) {
	defer runtime.KeepAlive(tune())
	var open closers
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, open.close(closing))
	}()
	if err := os.MkdirAll(c.Site.Data, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if c.Site.Database == "" {
		c.Site.Database = c.Site.Data
	}
	s, err := site.Open(ctx, c.Site, site.Options{
		Client: "roomlog-run", Create: true, Exclusive: true, Logger: c.Logger,
	})
	if err != nil {
		return err
	}
	open.add(s.Close)
	debug.FreeOSMemory() // a broker that starts has read all of its log
	api, err := c.Chat.ListenAPI(ctx)
	if err != nil {
		return err
	}
	open.add(closeListener(api))
	adm, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Admin)
	if err != nil {
		return fmt.Errorf("--admin: %w", err)
	}
	open.add(closeListener(adm))
	p, err := assemble(ctx, c, s, &open)
	if err != nil {
		return err
	}
	return p.run(ctx, api, adm, func() { ready(Addresses{API: api.Addr(), Admin: adm.Addr()}) })
}

// closeListener closes what a service may have closed already.
func closeListener(l net.Listener) func(context.Context) error {
	return func(context.Context) error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

// parts are the services of the process, connected.
type parts struct {
	chat      *chat.Service
	projector *projector.Service
	metrics   *prometheus.Registry
}

func assemble(ctx context.Context, c Config, s *site.Site, open *closers) (p parts, err error) {
	if len(c.Chat.Secret) == 0 && c.Chat.SecretFile == "" {
		if c.Chat.Secret, err = token.EnsureSecret(c.Site.Data); err != nil {
			return p, err
		}
	}
	c.Chat.StopTimeout = min(c.Chat.StopTimeout, drainTimeout)
	store, err := s.OpenStore(ctx)
	if err != nil {
		return p, err
	}
	open.add(func(context.Context) error { return store.Close() })
	control, err := s.OpenControl(ctx)
	if err != nil {
		return p, err
	}
	open.add(func(context.Context) error { return control.Close() })
	log, err := chat.OpenLog(s.Log.Config, s.Log.Layout)
	if err != nil {
		return p, err
	}
	open.add(func(context.Context) error { return log.Close() })
	if err := s.EnsureDecisions(ctx); err != nil {
		return p, err
	}
	told, err := openTimeline(ctx, s, c.Logger, open)
	if err != nil {
		return p, err
	}
	p.metrics = prometheus.NewRegistry()
	p.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	p.projector, err = projector.New(c.Projector, projector.Deps{
		Log: s.Log.Config, Layout: s.Log.Layout, Control: control, Open: s.OpenVersion,
		Timeline: told.publisher, TimelineTopic: timeline.DefaultTopic, Encode: told.encode, Listeners: told.listeners,
		Metrics: p.metrics, Logger: c.Logger,
	})
	if err != nil {
		return p, err
	}
	p.chat, err = chat.New(c.Chat, chat.Deps{
		Log: log, Store: store,
		Timeline: told.subscriber, Ephemeral: told.publisher, TimelineTopic: timeline.DefaultTopic, Listeners: told.listeners,
		Metrics: p.metrics, Logger: c.Logger,
	})
	return p, err
}

// run serves until ctx ends or a part fails.
func (p parts) run(ctx context.Context, api, adm net.Listener, ready func()) error {
	detached := context.WithoutCancel(ctx)
	health := start(detached, func(ctx context.Context) error {
		return admin.Serve(ctx, adm, admin.Handler(p.metrics, p.checks()...))
	})
	fold := start(detached, p.projector.Run)
	serve := start(detached, func(ctx context.Context) error { return p.chat.Run(ctx, api) })
	ready()
	select {
	case <-ctx.Done():
	case <-serve.done:
	case <-fold.done:
	case <-health.done:
	}
	return errors.Join(serve.stop(), fold.stop(), health.stop())
}

// checks are those of both services, told apart by their names.
func (p parts) checks() []admin.Check {
	var all []admin.Check
	for name, checks := range map[string][]admin.Check{"chat": p.chat.Checks(), "projector": p.projector.Checks()} {
		for _, c := range checks {
			c.Name = name + "." + c.Name
			all = append(all, c)
		}
	}
	return all
}

// part is a running service.
type part struct {
	cancel context.CancelFunc
	done   chan struct{} // closed after err is set
	err    error
}

func start(ctx context.Context, run func(context.Context) error) *part {
	ctx, cancel := context.WithCancel(ctx)
	p := &part{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = run(ctx)
	}()
	return p
}

// stop ends a service and gives the error with which it ended.
func (p *part) stop() error {
	p.cancel()
	<-p.done
	if errors.Is(p.err, context.Canceled) {
		return nil
	}
	return p.err
}
