package events_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/cloudevents/sdk-go/protocol/kafka_sarama/v2"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
)

// A stranger's program reads the topic: CloudEvents' own Go SDK with its Kafka
// binding, knowing nothing of this package, finds every event that there is.
func TestCloudEventsSDKReadsTheTopic(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cfg := startLog(t, ctx)
	l, err := eventlog.EnsureTopic(ctx, cfg, cfg.EventsTopicSpec(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	publisher, err := eventlog.NewPublisher(cfg, l)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := publisher.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, w := range written {
		if w.old {
			continue
		}
		if _, err := publisher.Publish(ctx, encode(t, w.event)); err != nil {
			t.Fatal(err)
		}
	}

	client := sarama.NewConfig()
	client.Consumer.Offsets.Initial = sarama.OffsetOldest
	client.Net.SASL.Enable, client.Net.SASL.User, client.Net.SASL.Password = true, cfg.Username, cfg.Password
	topic, err := kafka_sarama.NewConsumer(cfg.Brokers, client, "strangers", l.Topic)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := topic.Close(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	receiver, err := cloudevents.NewClient(topic)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan cloudevents.Event)
	receiving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- receiver.StartReceiver(receiving, func(e cloudevents.Event) {
			select {
			case got <- e:
			case <-receiving.Done():
			}
		})
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()

	want := map[string]events.Event{}
	for _, w := range written {
		if w.old {
			continue
		}
		want[string(w.event.ID)] = w.event
	}
	for len(want) > 0 {
		select {
		case e := <-got:
			w, ok := want[e.ID()]
			if !ok {
				t.Fatalf("an event that was not sent, or twice: %s", e)
			}
			delete(want, e.ID())
			compareCloudEvent(t, e, w)
		case <-ctx.Done():
			t.Fatalf("%d events did not come", len(want))
		}
	}
}

func compareCloudEvent(t *testing.T, got cloudevents.Event, want events.Event) {
	t.Helper()
	if err := got.Validate(); err != nil {
		t.Errorf("%s is not valid: %v", want.ID, err)
	}
	if got.SpecVersion() != "1.0" || got.Type() != want.Type.Versioned(events.Newest(want.Type)) || got.Source() != string(want.Tenant) || got.Subject() != string(want.Room) {
		t.Errorf("it reads as %s", got)
	}
	if !got.Time().Equal(want.Time) || got.DataContentType() != "application/json" {
		t.Errorf("it reads as %s", got)
	}
	extensions := got.Extensions()
	if expires, err := types.ToTime(extensions["expirytime"]); !want.Expires.IsZero() && (err != nil || !expires.Equal(want.Expires)) {
		t.Errorf("it expires %v, %v", extensions["expirytime"], err)
	}
	if key, _ := types.ToString(extensions["contentkey"]); key != want.ContentKey {
		t.Errorf("its content key is %q", key)
	}
	var body struct {
		Facts struct {
			Sender events.UserID `json:"sender"`
		} `json:"facts"`
		Content json.RawMessage `json:"content"`
	}
	if err := got.DataAs(&body); err != nil || body.Facts.Sender != want.Facts.By().Sender || string(body.Content) != string(want.Content) {
		t.Errorf("its data is %s, %v", got.Data(), err)
	}
}

// Every tenant's name is a source that the SDK takes.
func TestTenantsAreURIReferences(t *testing.T) {
	for _, s := range []string{"main", "a.b", "~x", "@x", "-", "_", "...", "0", "a@b"} {
		tenant, err := events.ParseTenant(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if types.ParseURIRef(string(tenant)) == nil {
			t.Errorf("%q is no URI reference", s)
		}
	}
	if types.ParseURIRef("1:b") != nil {
		t.Error("with a colon it is one, so why not allow it?")
	}
}

func startLog(t *testing.T, ctx context.Context) eventlog.Config {
	t.Helper()
	broker, err := embedded.Start(ctx, embedded.Config{Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := broker.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	i := broker.Info()
	return eventlog.Config{Brokers: []string{i.Address}, Username: i.Username, Password: i.Password}
}
