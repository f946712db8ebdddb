package embedded_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
)

const patience = 20 * time.Second // longer than anything here takes

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func start(t testing.TB, cfg embedded.Config) *embedded.Broker {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	b, err := embedded.Start(testContext(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, b) })
	return b
}

// stop may be called twice.
func stop(t testing.TB, b *embedded.Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Error(err)
	}
}

func configOf(i embedded.Info) eventlog.Config {
	return eventlog.Config{Brokers: []string{i.Address}, Username: i.Username, Password: i.Password}
}

// admin changes topics.
func admin(t testing.TB, cfg eventlog.Config) *kadm.Client {
	t.Helper()
	return kadm.NewClient(client(t, cfg))
}

func client(t testing.TB, cfg eventlog.Config) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...), kgo.SASL(plain.Auth{User: cfg.Username, Pass: cfg.Password}.AsMechanism()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func ensure(t testing.TB, cfg eventlog.Config, partitions int) eventlog.Layout {
	t.Helper()
	l, err := eventlog.EnsureTopic(testContext(t), cfg, cfg.EventsTopicSpec(partitions, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func event(room string, n int) events.Message {
	return events.Message{
		Key:     []byte("main/" + room),
		Value:   fmt.Appendf(nil, `{"n":%d}`, n),
		Headers: []events.Header{{Key: events.HeaderID, Value: fmt.Appendf(nil, "%s-%d", room, n)}},
	}
}

// publish appends n events of a room and gives their positions.
func publish(t testing.TB, cfg eventlog.Config, l eventlog.Layout, room string, n int) []events.Position {
	t.Helper()
	p, err := eventlog.NewPublisher(cfg, l)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	out := make([]events.Position, n)
	for i := range out {
		if out[i], err = p.Publish(testContext(t), event(room, i)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// read gives all records of a partition.
func read(t testing.TB, cfg eventlog.Config, l eventlog.Layout, p events.Partition) (all []eventlog.Record) {
	t.Helper()
	ctx := testContext(t)
	r := eventlog.NewReader(cfg, l, p)
	defer r.Close()
	start, end, err := r.Bounds(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r.Seek(start)
	for r.Next() < end {
		records, err := r.Read(ctx, 1000)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, records...)
	}
	return all
}

func ids(records []eventlog.Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.Header(events.HeaderID)
	}
	return out
}
