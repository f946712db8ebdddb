package eventlog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/pkg/events"
)

// Defaults of [SubscriberConfig].
const (
	DefaultNackBackoff    = 100 * time.Millisecond
	DefaultCommitInterval = 500 * time.Millisecond
)

const initializeTimeout = 30 * time.Second // of SubscribeInitialize

// SubscriberConfig says what a [Subscriber] reads. Zero fields take their
// defaults.
type SubscriberConfig struct {
	Config
	// Group is the consumer group that shares the partitions and remembers how
	// far it has come. Without one, each subscription reads all partitions and
	// remembers nothing.
	Group string
	// FromEnd begins at the end of the log, as it is when Subscribe is called,
	// where a group has not come anywhere yet. The default is the start.
	FromEnd bool
	// SkipDeleted goes on with the oldest record there is when retention has
	// deleted what was to be read next. By default the subscription ends then.
	SkipDeleted bool
	// Create is what SubscribeInitialize creates a missing topic as; the name is
	// the one that is subscribed to. Without Partitions it creates nothing.
	Create TopicSpec
	// Unmarshal makes messages of records; the default is [Unmarshal]. A record
	// that it refuses is logged and passed over.
	Unmarshal func(Record) (*message.Message, error)
	// NackBackoff is how long a message that was refused waits until it is
	// delivered again.
	NackBackoff time.Duration
	// CommitInterval is how often the offsets of acknowledged messages are
	// committed. They are also when a partition is given up.
	CommitInterval time.Duration
}

// Subscriber is Watermill's, at-least-once. It delivers the messages of a
// partition one after the other, the next when the one before is acknowledged;
// a refused message is delivered again before later ones of its partition.
// Partitions do not wait for each other. A message that is under way when its
// partition is given up is delivered again, to whoever has it then. The context of
// a message ends when it is acknowledged, refused or given up.
type Subscriber struct {
	cfg    SubscriberConfig
	client *Client

	mu      sync.Mutex
	closed  bool
	last    int
	ends    map[int]context.CancelFunc // of what is running
	running sync.WaitGroup
}

var (
	_ message.Subscriber           = (*Subscriber)(nil)
	_ message.SubscribeInitializer = (*Subscriber)(nil)
)

// NewSubscriber makes a subscriber; it connects when it is first used.
func NewSubscriber(cfg SubscriberConfig) (*Subscriber, error) {
	var err error
	if cfg.Config, err = cfg.Config.complete(); err != nil {
		return nil, err
	}
	if cfg.Unmarshal == nil {
		cfg.Unmarshal = Unmarshal
	}
	orDefault(&cfg.NackBackoff, DefaultNackBackoff)
	orDefault(&cfg.CommitInterval, DefaultCommitInterval)
	client, err := NewClient(cfg.Config)
	if err != nil {
		return nil, err
	}
	return &Subscriber{cfg: cfg, client: client, ends: map[int]context.CancelFunc{}}, nil
}

// SubscribeInitialize creates the topic if it is missing and Create says how.
func (s *Subscriber) SubscribeInitialize(topic string) error {
	ctx, leave, err := s.enter(context.Background())
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, initializeTimeout)
	defer cancel()
	spec := s.cfg.Create
	spec.Name = topic
	_, err = s.client.EnsureTopic(ctx, spec)
	return err
}

// Subscribe delivers the messages of a topic until ctx ends or Close is called;
// then the channel is closed. It is also closed, after an error in the log, when
// there is no going on: the topic was replaced, or records are gone that were to
// be read.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	run, err := s.prepare(ctx, topic)
	if err != nil {
		leave()
		return nil, fmt.Errorf("subscribe to %s: %w", topic, err)
	}
	go func() {
		defer leave()
		defer close(run.out)
		if err := run.run(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Error("subscription ended", "topic", topic, "group", s.cfg.Group, "error", err)
		}
	}()
	return run.out, nil
}

// Close ends all subscriptions, waits for that and ends the connections.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	for _, end := range s.ends {
		end()
	}
	s.mu.Unlock()
	s.running.Wait()
	if !closed {
		s.client.Close()
	}
	return nil
}

// enter gives a context that ends with Close, which waits until leave is called.
func (s *Subscriber) enter(ctx context.Context) (_ context.Context, leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, fmt.Errorf("subscriber: %w", ErrClosed)
	}
	ctx, end := context.WithCancel(ctx)
	s.last++
	id := s.last
	s.ends[id] = end
	s.running.Add(1)
	return ctx, func() {
		end()
		s.mu.Lock()
		delete(s.ends, id)
		s.mu.Unlock()
		s.running.Done()
	}, nil
}

// prepare finds out where to begin.
func (s *Subscriber) prepare(ctx context.Context, topic string) (*subscription, error) {
	l, err := s.client.Layout(ctx, topic, s.cfg.Epoch)
	if err != nil {
		return nil, err
	}
	sub := &subscription{cfg: s.cfg, layout: l, out: make(chan *message.Message), next: map[events.Partition]events.Offset{}}
	if s.cfg.FromEnd {
		if sub.begin, err = s.client.Ends(ctx, l); err != nil {
			return nil, err
		}
	}
	if s.cfg.Group != "" {
		sub.source, err = NewSource(s.cfg.Config, l, s.cfg.Group)
	}
	return sub, err
}
