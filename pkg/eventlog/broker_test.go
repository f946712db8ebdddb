package eventlog_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
)

const patience = 30 * time.Second // longer than anything here takes

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func startBroker(t testing.TB, dir string) (*embedded.Broker, eventlog.Config) {
	t.Helper()
	b, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, Logger: testLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeBroker(t, b) })
	return b, eventlog.Config{
		Brokers: b.Brokers(), Username: b.Username(), Password: b.Password(), Logger: testLogger(t),
	}
}

func closeBroker(t testing.TB, b *embedded.Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Error(err)
	}
}

// bothWays runs a test on the embedded broker, by the network and within the process.
func bothWays(t *testing.T, test func(t *testing.T, b *embedded.Broker, cfg eventlog.Config)) {
	t.Run("embedded", func(t *testing.T) {
		b, cfg := startBroker(t, "")
		test(t, b, cfg)
	})
	t.Run("in the process", func(t *testing.T) {
		b, cfg := startBroker(t, "")
		cfg.Dial = b.Dial
		test(t, b, cfg)
	})
}

// onAll runs a test on the embedded broker, both ways, and on real Kafka.
func onAll(t *testing.T, test func(t *testing.T, cfg eventlog.Config)) {
	bothWays(t, func(t *testing.T, _ *embedded.Broker, cfg eventlog.Config) { test(t, cfg) })
	t.Run("kafka", func(t *testing.T) { test(t, kafkaConfig(t)) })
}

// onBoth runs a test on the embedded broker and on real Kafka.
func onBoth(t *testing.T, test func(t *testing.T, cfg eventlog.Config)) {
	t.Run("embedded", func(t *testing.T) {
		_, cfg := startBroker(t, "")
		test(t, cfg)
	})
	t.Run("kafka", func(t *testing.T) { test(t, kafkaConfig(t)) })
}

// kafkaConfig is for a topic of its own on real brokers.
func kafkaConfig(t *testing.T) eventlog.Config {
	t.Helper()
	return eventlog.Config{
		Brokers: clustertest.Kafka(t, 1), Topic: clustertest.Topic("events"), Logger: testLogger(t),
	}
}

func ensureEvents(t testing.TB, cfg eventlog.Config, partitions int) eventlog.Layout {
	t.Helper()
	l, err := eventlog.EnsureTopic(testContext(t), cfg, cfg.EventsTopicSpec(partitions, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newPublisher(t testing.TB, cfg eventlog.Config, l eventlog.Layout) *eventlog.Publisher {
	t.Helper()
	p, err := eventlog.NewPublisher(cfg, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func newReader(t testing.TB, cfg eventlog.Config, l eventlog.Layout, p events.Partition) *eventlog.Reader {
	t.Helper()
	r := eventlog.NewReader(cfg, l, p)
	t.Cleanup(r.Close)
	return r
}

// event is the n-th event of a room; the log does not look into it.
func event(room string, n int) events.Message {
	return events.Message{
		Key:   []byte("main/" + room),
		Value: fmt.Appendf(nil, `{"n":%d}`, n),
		Headers: []events.Header{
			{Key: events.HeaderSpecVersion, Value: []byte("1.0")},
			{Key: events.HeaderID, Value: fmt.Appendf(nil, "%s-%d", room, n)},
		},
	}
}

func testLogger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}
