package eventlog_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/roomlog/roomlog/pkg/eventlog"
)

// Watermill's own suite. A topic of one partition keeps the order of everything;
// with more, messages of one key keep theirs.

func TestPubSubOnePartition(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg eventlog.Config) {
		f := groupFeatures()
		f.GuaranteedOrder = true
		f.ForceShort = true // the long run is that of several partitions, which move
		exercise(t, f, pubSub{cfg: cfg, partitions: 1, group: "group"})
	})
}

func TestPubSubPartitions(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg eventlog.Config) {
		exercise(t, groupFeatures(), pubSub{cfg: cfg, partitions: 4, group: "group"})
	})
}

func TestPubSubWithoutGroup(t *testing.T) {
	f := tests.Features{Persistent: true, NewSubscriberReceivesOldMessages: true, ForceShort: true} // else 50 subscribers read 5000 messages each
	onBoth(t, func(t *testing.T, cfg eventlog.Config) {
		exercise(t, f, pubSub{cfg: cfg, partitions: 4})
	})
}

func TestPubSubOrderOfAKey(t *testing.T) {
	f := groupFeatures()
	f.GuaranteedOrder = true
	byPayload := func(_ string, m *message.Message) string { return string(m.Payload) }
	onBoth(t, func(t *testing.T, cfg eventlog.Config) {
		tests.TestPublishSubscribeInOrder(t, tests.TestContext{TestID: tests.NewTestID(), Features: f},
			pubSub{cfg: cfg, partitions: 4, key: byPayload, group: "group"}.create)
	})
}

// groupFeatures are what a subscriber with a group promises. Delivery is
// at-least-once, a message's context is not that of the publisher, and who joins a
// group gets no messages that the group has acknowledged.
func groupFeatures() tests.Features {
	return tests.Features{ConsumerGroups: true, Persistent: true}
}

func exercise(t *testing.T, f tests.Features, p pubSub) {
	tests.TestPubSub(t, f, p.create, p.createGroup)
}

type pubSub struct {
	cfg        eventlog.Config
	partitions int
	group      string
	key        func(string, *message.Message) string
}

func (p pubSub) create(t *testing.T) (message.Publisher, message.Subscriber) {
	return p.createGroup(t, p.group)
}

func (p pubSub) createGroup(t *testing.T, group string) (message.Publisher, message.Subscriber) {
	t.Helper()
	cfg := p.cfg
	cfg.Logger = nil // the suite warns enough
	pub, err := eventlog.NewWatermillPublisher(cfg, p.key)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := eventlog.NewSubscriber(eventlog.SubscriberConfig{
		Config: cfg, Group: group,
		Create:      eventlog.TopicSpec{Partitions: p.partitions},
		NackBackoff: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the suite forgets some
		if err := errors.Join(pub.Close(), sub.Close()); err != nil {
			t.Error(err)
		}
	})
	return pub, sub
}
