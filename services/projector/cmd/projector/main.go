// Command projector folds the log into the read model. Any number of them share
// the log's partitions.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/admin"
	"github.com/roomlog/roomlog/pkg/backend"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/projector"
)

const description = `Folds roomlog's log into the read model that the API serves.

Start as many as you like: they share the partitions, and when one stops or dies
the others take over its partitions from their checkpoints.

Example:
  projector --brokers 127.0.0.1:9092 --database postgres://roomlog@127.0.0.1/roomlog`

type flags struct {
	Backend        backend.Config   `embed:""`
	Projector      projector.Config `embed:""`
	Admin          string           `help:"Where health, readiness, metrics and profiles are served. Without authentication: keep it private." default:"127.0.0.1:8081"`
	SessionTimeout time.Duration    `name:"session-timeout" help:"After how long without a sign of life the others take over a projector's partitions." default:"10s"`
	LogLevel       slog.Level       `name:"log-level" help:"debug, info, warn or error." default:"info"`
}

func main() {
	var f flags
	parsed := kong.Parse(&f, kong.Name("projector"), kong.Description(description), kong.DefaultEnvars("ROOMLOG"),
		kong.UsageOnError(), kong.Exit(func(code int) {
			if code != 0 {
				code = 2
			}
			os.Exit(code)
		}))
	parsed.FatalIfErrorf(f.Backend.Require())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := run(ctx, f); err != nil {
		fmt.Fprintln(os.Stderr, "projector:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, f flags) (err error) {
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: f.LogLevel}))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.Admin)
	if err != nil {
		return fmt.Errorf("--admin: %w", err)
	}
	defer func() { err = errors.Join(err, ignoreClosed(listener.Close())) }()

	cfg, err := f.Backend.EventLog("roomlog-projector", "", logger)
	if err != nil {
		return err
	}
	cfg.SessionTimeout = f.SessionTimeout
	log, err := f.Backend.OpenLog(ctx, cfg)
	if err != nil {
		return err
	}
	if err := f.Backend.EnsureTimeline(ctx, log); err != nil {
		return err
	}
	if err := f.Backend.EnsureDecisions(ctx, log); err != nil {
		return err
	}
	control, err := f.Backend.OpenControl(ctx, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, control.Close()) }()
	publisher, err := eventlog.NewWatermillPublisher(log.Config, timeline.Key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, publisher.Close()) }()

	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	service, err := projector.New(f.Projector, projector.Deps{
		Log: log.Config, Layout: log.Layout, Control: control, Open: f.Backend.Opener(logger), Timeline: publisher, TimelineTopic: timeline.DefaultTopic,
		Metrics: metrics, Logger: logger,
	})
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return admin.Serve(ctx, listener, admin.Handler(metrics, service.Checks()...)) })
	g.Go(func() error { return service.Run(ctx) })
	if _, err := fmt.Fprintf(os.Stdout, "ready http://%s\n", listener.Addr()); err != nil {
		logger.Warn("cannot say that it is ready", "error", err)
	}
	return g.Wait()
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
