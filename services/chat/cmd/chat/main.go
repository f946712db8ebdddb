// Command chat serves the chat API. Any number of them serve the same log and
// read model.
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

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/admin"
	"github.com/roomlog/roomlog/pkg/backend"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/chat"
)

const description = `Serves roomlog's chat API: commands go to the log, reads come from the read model
that the projectors fold.

When it serves, it prints one line "ready http://HOST:PORT" on stdout.

Example:
  chat --brokers 127.0.0.1:9092 --database postgres://roomlog@127.0.0.1/roomlog --secret-file secret`

type flags struct {
	Backend  backend.Config `embed:""`
	Chat     chat.Config    `embed:""`
	Admin    string         `help:"Where health, readiness, metrics and profiles are served. Without authentication: keep it private." default:"127.0.0.1:8081"`
	LogLevel slog.Level     `name:"log-level" help:"debug, info, warn or error." default:"info"`
}

func main() {
	var f flags
	kong.Parse(&f, kong.Name("chat"), kong.Description(description), kong.DefaultEnvars("ROOMLOG"),
		kong.UsageOnError(), kong.Exit(func(code int) {
			if code != 0 {
				code = 2
			}
			os.Exit(code)
		}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := run(ctx, f); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, f flags) (err error) {
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: f.LogLevel}))
	if _, err := f.Chat.Validate(); err != nil {
		return err
	}
	if w := chat.AdminWarning(f.Admin); w != "" {
		logger.Warn(w) //nolint:sloglint // a warning is a sentence
	}
	listener, err := f.Chat.ListenAPI(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreClosed(listener.Close())) }()
	adminListener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.Admin)
	if err != nil {
		return fmt.Errorf("--admin: %w", err)
	}
	defer func() { err = errors.Join(err, ignoreClosed(adminListener.Close())) }()

	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	service, closeParts, err := open(ctx, f, metrics, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeParts()) }()

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return admin.Serve(ctx, adminListener, admin.Handler(metrics, service.Checks()...)) })
	g.Go(func() error { return service.Run(ctx, listener) })
	fmt.Fprintf(os.Stdout, "ready http://%s\n", listener.Addr())
	return g.Wait()
}

// open connects to what the flags name. The parts are closed in reverse.
func open(ctx context.Context, f flags, metrics prometheus.Registerer, logger *slog.Logger) (_ *chat.Service, closeAll func() error, err error) {
	var closers []func() error
	closeAll = func() error {
		var errs []error
		for i := len(closers) - 1; i >= 0; i-- {
			errs = append(errs, closers[i]())
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll())
		}
	}()
	cfg, err := f.Backend.EventLog("roomlog-chat", "", logger)
	if err != nil {
		return nil, nil, err
	}
	topic, err := f.Backend.OpenLog(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	if err := f.Backend.EnsureTimeline(ctx, topic); err != nil {
		return nil, nil, err
	}
	store, err := f.Backend.OpenStore(ctx, logger)
	if err != nil {
		return nil, nil, err
	}
	closers = append(closers, store.Close)
	log, err := chat.OpenLog(topic.Config, topic.Layout)
	if err != nil {
		return nil, nil, err
	}
	closers = append(closers, log.Close)
	subscriber, err := eventlog.NewSubscriber(eventlog.SubscriberConfig{Config: topic.Config, FromEnd: true, SkipDeleted: true})
	if err != nil {
		return nil, nil, err
	}
	closers = append(closers, subscriber.Close)
	service, err := chat.New(f.Chat, chat.Deps{
		Log: log, Store: store, Timeline: subscriber, TimelineTopic: timeline.DefaultTopic,
		Projection: f.Backend.Projection, Metrics: metrics, Logger: logger,
	})
	return service, closeAll, err
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
