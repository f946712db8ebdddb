package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/roomlog/roomlog/pkg/events"
)

// Client asks about topics and makes them. It is safe for concurrent use.
type Client struct {
	cfg Config
	kgo *kgo.Client
	adm *kadm.Client
}

// NewClient makes a client; it connects when it is first used.
func NewClient(cfg Config) (*Client, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	cl, err := newKgo(cfg)
	if err != nil {
		return nil, err
	}
	return &Client{cfg: cfg, kgo: cl, adm: kadm.NewClient(cl)}, nil
}

// Close ends the connections.
func (c *Client) Close() { c.kgo.Close() }

// Ping reports whether a broker answers.
func (c *Client) Ping(ctx context.Context) error { return c.kgo.Ping(ctx) }

// EnsureTopic creates the topic if it is not there and gives its layout. It
// refuses a topic with another number of partitions ([ErrPartitionCount]) or with
// settings that lose or misdate records ([ErrTopicSettings]). Without a number of
// partitions it creates nothing ([ErrUnknownTopic]).
func (c *Client) EnsureTopic(ctx context.Context, t TopicSpec) (Layout, error) {
	orDefault(&t.Epoch, 1)
	if err := t.check(); err != nil {
		return Layout{}, err
	}
	layout, err := c.Layout(ctx, t.Name, t.Epoch)
	if errors.Is(err, ErrUnknownTopic) && t.Partitions > 0 {
		if err := c.create(ctx, t); err != nil {
			return Layout{}, err
		}
		layout, err = c.awaitLayout(ctx, t)
	}
	if err != nil {
		return Layout{}, err
	}
	if t.Partitions > 0 && layout.Partitions != t.Partitions {
		return Layout{}, fmt.Errorf("%w: topic %s has %d, %d are configured; the number is fixed for the life of a log",
			ErrPartitionCount, t.Name, layout.Partitions, t.Partitions)
	}
	return layout, c.checkSettings(ctx, t)
}

// EnsureTopic is [Client.EnsureTopic] with a client of its own.
func EnsureTopic(ctx context.Context, cfg Config, t TopicSpec) (Layout, error) {
	c, err := NewClient(cfg)
	if err != nil {
		return Layout{}, err
	}
	defer c.Close()
	return c.EnsureTopic(ctx, t)
}

// Layout reads how a topic is laid out. Errors: [ErrUnknownTopic],
// [ErrPartitionCount] when it has more partitions than a token can name.
func (c *Client) Layout(ctx context.Context, topic string, epoch events.LogEpoch) (Layout, error) {
	topics, err := c.adm.ListTopics(ctx, topic)
	if err != nil {
		return Layout{}, fmt.Errorf("look up topic %s: %w", topic, err)
	}
	t, ok := topics[topic]
	switch {
	case !ok || errors.Is(t.Err, kerr.UnknownTopicOrPartition):
		return Layout{}, fmt.Errorf("%w: %s", ErrUnknownTopic, topic)
	case t.Err != nil:
		return Layout{}, fmt.Errorf("look up topic %s: %w", topic, t.Err)
	}
	if err := checkPartitions(topic, len(t.Partitions)); err != nil {
		return Layout{}, err
	}
	return Layout{Topic: topic, Log: events.LogID(t.ID), Epoch: epoch, Partitions: len(t.Partitions)}, nil
}

// Ends gives the end of each partition of the log, by partition: the offset that
// the next record there will have. It asks all leaders at once. It fails if any
// partition's leader cannot be reached, and with [ErrTopicReplaced] if the topic
// is another one.
func (c *Client) Ends(ctx context.Context, l Layout) ([]events.Offset, error) {
	now, err := c.Layout(ctx, l.Topic, l.Epoch)
	if err != nil {
		return nil, err
	}
	if now != l {
		return nil, fmt.Errorf("%w: %s was %s, is %s", ErrTopicReplaced, l.Topic, l.Log, now.Log)
	}
	all := make([]int32, l.Partitions)
	for p := range all {
		all[p] = int32(p)
	}
	return listOffsets(ctx, c.kgo, l.Topic, all, atEnd)
}

func (c *Client) create(ctx context.Context, t TopicSpec) error {
	replication := int16(t.Replication)
	if replication == 0 {
		replication = -1
	}
	_, err := c.adm.CreateTopic(ctx, int32(t.Partitions), replication, t.settings(), t.Name)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) { // another process was quicker
		return fmt.Errorf("create topic %s: %w", t.Name, err)
	}
	return nil
}

// awaitLayout waits until a new topic is known to the brokers.
func (c *Client) awaitLayout(ctx context.Context, t TopicSpec) (Layout, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		layout, err := c.Layout(ctx, t.Name, t.Epoch)
		if err == nil && layout.Partitions > 0 {
			// A leader that does not know yet that it is one has no offsets.
			if _, err = c.Ends(ctx, layout); err == nil {
				return layout, nil
			}
		}
		if err != nil && !errors.Is(err, ErrUnknownTopic) && !kerr.IsRetriable(err) {
			return Layout{}, err
		}
		select {
		case <-ctx.Done():
			return Layout{}, fmt.Errorf("topic %s was created and is not there: %w", t.Name, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// newsOfTopic is how long a broker that is up takes at most to hear of a new topic.
const newsOfTopic = 5 * time.Second

// checkSettings refuses a topic that loses or misdates records. A broker that has
// not heard of a new topic yet is asked again; a topic that no broker asked knows
// for [newsOfTopic] has been deleted since it was seen.
func (c *Client) checkSettings(ctx context.Context, t TopicSpec) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deleted := time.NewTimer(newsOfTopic)
	defer deleted.Stop()
	for {
		err := c.compareSettings(ctx, t)
		if !errors.Is(err, kerr.UnknownTopicOrPartition) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-deleted.C:
			return fmt.Errorf("%w: %s was there and is gone", ErrUnknownTopic, t.Name)
		case <-tick.C:
		}
	}
}

func (c *Client) compareSettings(ctx context.Context, t TopicSpec) error {
	all, err := c.adm.DescribeTopicConfigs(ctx, t.Name)
	if err == nil {
		_, err = all.On(t.Name, func(r *kadm.ResourceConfig) error { return r.Err })
	}
	if errors.Is(err, kerr.TopicAuthorizationFailed) {
		c.cfg.Logger.Warn("not allowed to look at the topic's settings", "topic", t.Name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the settings of topic %s: %w", t.Name, err)
	}
	required := t.required()
	for _, r := range all {
		for _, s := range r.Configs {
			if want, ok := required[s.Key]; ok && s.MaybeValue() != want {
				return fmt.Errorf("%w: %s of topic %s is %q, must be %q", ErrTopicSettings, s.Key, t.Name, s.MaybeValue(), want)
			}
		}
	}
	return nil
}
