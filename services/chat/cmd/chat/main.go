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
	"slices"
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

// Validate says what is missing: kong calls it, and shows the usage.
func (f *flags) Validate() error {
	switch {
	case len(f.Backend.Brokers) == 0:
		return errors.New("no brokers given: use --brokers host:port,…")
	case f.Backend.Database == "":
		return errors.New("no database given: use --database postgres://… or a directory")
	case f.Chat.SecretFile == "" && len(f.Chat.JWKS) == 0:
		return chat.ErrNoIssuer
	}
	return nil
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
	service, opened, err := open(ctx, f, metrics, logger)
	defer func() { err = errors.Join(err, opened.close()) }()
	if err != nil {
		return err
	}

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return admin.Serve(ctx, adminListener, admin.Handler(metrics, service.Checks()...)) })
	g.Go(func() error { return service.Run(ctx, listener) })
	if _, err := fmt.Fprintf(os.Stdout, "ready http://%s\n", listener.Addr()); err != nil {
		logger.Warn("cannot say that it is ready", "error", err)
	}
	return g.Wait()
}

// parts are what the service works on, in the order in which they were opened.
type parts []func() error

// close closes them in reverse.
func (p parts) close() error {
	var errs []error
	for _, c := range slices.Backward(p) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// open connects to what the flags name. The parts are the caller's to close, after
// an error too.
func open(ctx context.Context, f flags, metrics prometheus.Registerer, logger *slog.Logger) (*chat.Service, parts, error) {
	var opened parts
	cfg, err := f.Backend.EventLog("roomlog-chat", "", logger)
	if err != nil {
		return nil, opened, err
	}
	topic, err := f.Backend.OpenLog(ctx, cfg)
	if err != nil {
		return nil, opened, err
	}
	if err := f.Backend.EnsureTimeline(ctx, topic); err != nil {
		return nil, opened, err
	}
	store, err := f.Backend.OpenLive(ctx, logger)
	if err != nil {
		return nil, opened, err
	}
	opened = append(opened, store.Close)
	log, err := chat.OpenLog(topic.Config, topic.Layout)
	if err != nil {
		return nil, opened, err
	}
	opened = append(opened, log.Close)
	subscriber, err := eventlog.NewSubscriber(eventlog.SubscriberConfig{Config: topic.Config, FromEnd: true, SkipDeleted: true})
	if err != nil {
		return nil, opened, err
	}
	opened = append(opened, subscriber.Close)
	publisher, err := eventlog.NewWatermillPublisher(topic.Config, timeline.Key)
	if err != nil {
		return nil, opened, err
	}
	opened = append(opened, publisher.Close)
	service, err := chat.New(f.Chat, chat.Deps{
		Log: log, Store: store, Timeline: subscriber, Ephemeral: publisher, TimelineTopic: timeline.DefaultTopic,
		Metrics: metrics, Logger: logger,
	})
	return service, opened, err
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
