package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/processors"
)

// Publisher appends events to a log. It is safe for concurrent use.
type Publisher struct {
	cfg    Config
	layout Layout
	wm     message.Publisher
	slots  chan struct{} // one for each record in flight; Close takes them all

	closing sync.Once
	closed  chan struct{} // closed by Close
}

// NewPublisher connects to the log.
func NewPublisher(cfg Config, l Layout) (*Publisher, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	wm, err := newEventPublisher(cfg, l)
	if err != nil {
		return nil, err
	}
	return &Publisher{
		cfg: cfg, layout: l, wm: wm,
		slots:  make(chan struct{}, cfg.MaxInFlight),
		closed: make(chan struct{}),
	}, nil
}

// newEventPublisher makes the Watermill publisher that takes what newSending makes.
func newEventPublisher(cfg Config, l Layout) (message.Publisher, error) {
	if cfg.Dial != nil {
		return newAppender(cfg, l)
	}
	return newWatermill(cfg, eventMarshaler{}, newKeyPartitioner(l.Partitions))
}

// Layout is the log's.
func (p *Publisher) Layout() Layout { return p.layout }

// Publish appends one event and says where it stands; then nobody has anything of m any
// more. It returns when the log has the event, or with ctx: then, and whenever
// else the event may have been handed over and its fate is not known, the error
// is [ErrUnknownOutcome]. Any other error says that the event is not in the log
// and will not be.
func (p *Publisher) Publish(ctx context.Context, m events.Message) (events.Position, error) {
	return p.publish(patient(ctx), m)
}

// PublishWithin is Publish that ends after d and with nothing else, as with a context of
// that time-out, for less: a send has one.
func (p *Publisher) PublishWithin(d time.Duration, m events.Message) (events.Position, error) {
	if d <= 0 {
		return events.Position{}, fmt.Errorf("publish: not sent: %w", context.DeadlineExceeded)
	}
	a := alarms.Get().(*alarm)
	a.timer.Reset(d)
	at, err := p.publish(patience{context.Background(), a.told}, m)
	if stopped := a.timer.Stop(); stopped && err == nil { // it has told all that it ever will
		alarms.Put(a)
	}
	return at, err
}

// alarm tells when it is late, where one is told of the record too: to wait for either is
// to receive from one channel.
type alarm struct {
	told  chan bool
	timer *time.Timer
}

// alarms that are not set, with nothing in their channels.
var alarms = sync.Pool{New: func() any {
	a := &alarm{told: make(chan bool, 2)}
	a.timer = time.AfterFunc(time.Hour, func() { a.told <- false })
	a.timer.Stop()
	return a
}}

// patience is how long a caller waits: until ctx is done, or it is told.
type patience struct {
	context.Context
	// told has room for all that comes: true when the record's fate is known, once, and
	// false when it is late.
	told chan bool
}

// patient is the patience of a caller who waits until ctx is done.
func patient(ctx context.Context) patience { return patience{ctx, make(chan bool, 1)} }

// out waits until the fate of a record is known that was handed over, and says whether
// patience has run out before.
func (p patience) out() bool {
	var known bool
	if done := p.Done(); done == nil { // a receive takes half of what a select does
		known = <-p.told
	} else {
		select {
		case known = <-p.told:
		case <-done:
		}
	}
	if !known {
		select {
		case known = <-p.told: // at the same moment
		default:
		}
	}
	return !known
}

// over says why the wait has ended.
func (p patience) over() error {
	if err := p.Err(); err != nil {
		return err
	}
	return context.DeadlineExceeded
}

func (p *Publisher) publish(within patience, m events.Message) (events.Position, error) {
	r, err := p.send(within, m)
	if err != nil {
		return events.Position{}, err
	}
	return p.wait(r)
}

// send hands an event over. An error says that it was not and will not be.
func (p *Publisher) send(within patience, m events.Message) (*receipt, error) {
	if err := p.begin(within); err != nil {
		return nil, err
	}
	s := newSending(within.Context, within.told, m, p)
	if err := p.wm.Publish(p.layout.Topic, s.alone[:]...); err != nil {
		p.end()
		if errors.Is(err, errAbandoned) {
			err = fmt.Errorf("%w: %w", errAbandoned, within.over())
		}
		return nil, fmt.Errorf("publish: not sent: %w", err)
	}
	return &s.receipt, nil
}

// wait waits for an event that was handed over, as long as there is patience.
func (p *Publisher) wait(r *receipt) (events.Position, error) {
	if r.out() {
		return events.Position{}, fmt.Errorf("publish: %w: %w", ErrUnknownOutcome, r.over())
	}
	return r.outcome(p.layout)
}

// Close waits for what is in flight, for at most CloseTimeout, and ends the
// connections. After that Publish gives [ErrClosed].
func (p *Publisher) Close() error {
	var err error
	p.closing.Do(func() { err = p.drain() })
	return err
}

func (p *Publisher) drain() error {
	close(p.closed)
	done := make(chan error, 1)
	go func() { // ends with sarama's own timeouts at the latest
		for range cap(p.slots) {
			p.slots <- struct{}{}
		}
		done <- p.wm.Close()
	}()
	timeout := time.NewTimer(p.cfg.CloseTimeout)
	defer timeout.Stop()
	select {
	case err := <-done:
		return err
	case <-timeout.C:
		return errors.New("close publisher: records are still in flight")
	}
}

// begin takes a slot; end gives it back.
func (p *Publisher) begin(within patience) error {
	if err := within.Err(); err != nil {
		return fmt.Errorf("publish: not sent: %w", err)
	}
	select {
	case p.slots <- struct{}{}: // nearly always, and for less than a select of all takes
	default:
		select {
		case p.slots <- struct{}{}:
		case <-within.told: // that it is late
			return p.tooMany(within)
		case <-within.Done():
			return p.tooMany(within)
		case <-p.closed:
			return fmt.Errorf("publish: %w", ErrClosed)
		}
	}
	processors.Begin()
	select {
	case <-p.closed: // it may be too late to have been waited for
		p.end()
		return fmt.Errorf("publish: %w", ErrClosed)
	default:
		return nil
	}
}

func (p *Publisher) tooMany(within patience) error {
	return fmt.Errorf("publish: not sent, %d records are in flight: %w", cap(p.slots), within.over())
}

func (p *Publisher) end() {
	processors.End()
	<-p.slots
}
