package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

func newSubscriber(t *testing.T, cfg eventlog.SubscriberConfig) *eventlog.Subscriber {
	t.Helper()
	s, err := eventlog.NewSubscriber(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func subscribe(t *testing.T, s *eventlog.Subscriber, l eventlog.Layout) <-chan *message.Message {
	t.Helper()
	ch, err := s.Subscribe(testContext(t), l.Topic)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func receive(t *testing.T, ch <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case m, ok := <-ch:
		if !ok {
			t.Fatal("the subscription has ended")
		}
		return m
	case <-time.After(patience):
		t.Fatal("no message came")
	}
	return nil
}

func TestMessagesOfEvents(t *testing.T) {
	_, cfg := startBroker(t, "")
	l := ensureEvents(t, cfg, 1)
	fill(t, cfg, l, 2)
	ch := subscribe(t, newSubscriber(t, eventlog.SubscriberConfig{Config: cfg}), l)
	for n := range 2 {
		m := receive(t, ch)
		want := event("room", n)
		if m.UUID != want.Header(events.HeaderID) || string(m.Payload) != string(want.Value) ||
			m.Metadata.Get(eventlog.KeyMetadata) != string(want.Key) || m.Metadata.Get(events.HeaderSpecVersion) != "1.0" {
			t.Errorf("message %d: %+v", n, m)
		}
		if rec, ok := eventlog.RecordFrom(m.Context()); !ok || rec.Offset != events.Offset(n) {
			t.Errorf("record of message %d: %+v, %v", n, rec, ok)
		}
		m.Ack()
	}
}

func TestSubscribeFromEnd(t *testing.T) { onBoth(t, testSubscribeFromEnd) }

func testSubscribeFromEnd(t *testing.T, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 1)
	fill(t, cfg, l, 5)
	for name, group := range map[string]string{"group": "g", "no group": ""} {
		t.Run(name, func(t *testing.T) {
			ch := subscribe(t, newSubscriber(t, eventlog.SubscriberConfig{Config: cfg, Group: group, FromEnd: true}), l)
			pos, err := newPublisher(t, cfg, l).Publish(testContext(t), event("room", 99))
			if err != nil {
				t.Fatal(err)
			}
			m := receive(t, ch)
			if rec, _ := eventlog.RecordFrom(m.Context()); rec.Offset != pos.Offset {
				t.Errorf("the first message is of offset %d, want %d", rec.Offset, pos.Offset)
			}
			m.Ack()
		})
	}
}

// TestGroupFromEndRemembers has a group that is interrupted before it has
// acknowledged anything: what came after its beginning is still its.
func TestGroupFromEndRemembers(t *testing.T) { onBoth(t, testGroupFromEndRemembers) }

func testGroupFromEndRemembers(t *testing.T, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 1)
	fill(t, cfg, l, 5)
	config := eventlog.SubscriberConfig{Config: cfg, Group: "g", FromEnd: true}
	p := newPublisher(t, cfg, l)
	first := newSubscriber(t, config)
	ch := subscribe(t, first, l)
	if _, err := p.Publish(testContext(t), event("room", 5)); err != nil {
		t.Fatal(err)
	}
	receive(t, ch) // not acknowledged
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Publish(testContext(t), event("room", 6)); err != nil {
		t.Fatal(err)
	}
	ch = subscribe(t, newSubscriber(t, config), l)
	for n := 5; n <= 6; n++ {
		m := receive(t, ch)
		if want := fmt.Sprintf("room-%d", n); m.UUID != want {
			t.Errorf("got %s, want %s", m.UUID, want)
		}
		m.Ack()
	}
}

func TestUndecodableRecordIsPassedOver(t *testing.T) {
	_, cfg := startBroker(t, "")
	cfg.Logger = nil
	l := ensureEvents(t, cfg, 1)
	fill(t, cfg, l, 3)
	ch := subscribe(t, newSubscriber(t, eventlog.SubscriberConfig{
		Config: cfg, Group: "g",
		Unmarshal: func(r eventlog.Record) (*message.Message, error) {
			if r.Offset == 1 {
				return nil, errors.New("undecodable")
			}
			return eventlog.Unmarshal(r)
		},
	}), l)
	for _, want := range []string{"room-0", "room-2"} {
		m := receive(t, ch)
		if m.UUID != want {
			t.Errorf("got %s, want %s", m.UUID, want)
		}
		m.Ack()
	}
}

// TestNacksDoNotHoldUpTheGroup refuses everything in one member, for as long as
// others join and leave: each partition that moves is delivered by its new owner.
func TestNacksDoNotHoldUpTheGroup(t *testing.T) { onBoth(t, testNacksDoNotHoldUpTheGroup) }

func testNacksDoNotHoldUpTheGroup(t *testing.T, cfg eventlog.Config) {
	cfg = groupConfig(cfg)
	l := ensureEvents(t, cfg, 4)
	p := newPublisher(t, cfg, l)
	for n := range 40 {
		if _, err := p.Publish(testContext(t), event(fmt.Sprint("room", n), n)); err != nil {
			t.Fatal(err)
		}
	}
	config := eventlog.SubscriberConfig{Config: cfg, Group: "g", NackBackoff: time.Millisecond}
	ctx, cancel := context.WithCancel(testContext(t))
	refusing := newSubscriber(t, config)
	ch, err := refusing.Subscribe(ctx, l.Topic)
	if err != nil {
		t.Fatal(err)
	}
	receive(t, ch).Nack()
	refused := make(chan struct{})
	go func() {
		defer close(refused)
		for m := range ch {
			m.Nack()
		}
	}()
	accepting := subscribe(t, newSubscriber(t, config), l)
	receive(t, accepting).Ack() // of a partition that has moved
	cancel()
	<-refused
	seen := map[string]bool{}
	for len(seen) < 39 { // all but the one above
		m := receive(t, accepting)
		m.Ack()
		seen[m.UUID] = true
	}
}

func TestSkipDeleted(t *testing.T) {
	_, cfg := startBroker(t, "")
	cfg.Logger = nil
	l := ensureEvents(t, cfg, 1)
	fill(t, cfg, l, 5)
	config := eventlog.SubscriberConfig{Config: cfg, Group: "g"}
	first := newSubscriber(t, config)
	receive(t, subscribe(t, first, l)).Ack()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	upTo := kadm.Offsets{}
	upTo.Add(kadm.Offset{Topic: l.Topic, At: 4})
	if _, err := kadm.NewClient(rawClient(t, cfg)).DeleteRecords(testContext(t), upTo); err != nil {
		t.Fatal(err)
	}
	strict := subscribe(t, newSubscriber(t, config), l)
	select {
	case m, ok := <-strict:
		if ok {
			t.Errorf("got %s, records before it are gone", m.UUID)
		}
	case <-time.After(patience):
		t.Error("the subscription goes on")
	}
	config.SkipDeleted = true
	if m := receive(t, subscribe(t, newSubscriber(t, config), l)); m.UUID != "room-4" {
		t.Errorf("got %s, want room-4", m.UUID)
	}
}
