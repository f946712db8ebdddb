package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/pkg/events"
)

// A receipt travels with a record, with sarama in ProducerMessage.Metadata, and comes back
// with the record's place in the log.
type receipt struct {
	// What sarama has not taken as long as somebody waits it does not get.
	patience
	// publisher has it in flight; nil: none.
	publisher *Publisher

	// What became of the record.
	settled   atomic.Bool
	partition int32
	offset    int64
	err       error
}

// A sending is an event on its way through Watermill. It is the context of Watermill's
// message, where the [appender] finds it, and the marshaler for sarama.
type sending struct {
	receipt
	event   events.Message
	wrapped message.Message // for Watermill
	alone   [1]*message.Message
}

// noOffset is what sarama leaves in a message whose offset the broker did not say
// (DUPLICATE_SEQUENCE).
const noOffset = -1

var errAbandoned = errors.New("abandoned before it was sent")

// settle fills the receipt in, once: whoever hears of a record a second time may wait for
// another one by then, that is not in the log.
func (r *receipt) settle(partition int32, offset int64, err error) {
	if r.settled.Swap(true) {
		panic("a record was told of twice")
	}
	r.partition, r.offset, r.err = partition, offset, err
	if r.publisher != nil {
		r.publisher.end()
	}
	r.told <- true
}

// outcome is what Publish answers once the receipt is settled.
func (r *receipt) outcome(l Layout) (events.Position, error) {
	switch {
	case r.err == nil && r.offset >= 0:
		return l.Position(events.Partition(r.partition), events.Offset(r.offset)), nil
	case r.err == nil:
		return events.Position{}, fmt.Errorf("publish: %w: it has it already, at an offset it did not say", ErrUnknownOutcome)
	case neverSent(r.err):
		return events.Position{}, fmt.Errorf("publish: %w", r.err)
	default:
		return events.Position{}, fmt.Errorf("publish: %w: %w", ErrUnknownOutcome, r.err)
	}
}

// neverSent tells the errors with which sarama refuses a record before it sends
// anything, and that with which the broker says that it has no such topic. Of all others some
// attempt may have been written.
func neverSent(err error) bool {
	var config sarama.ConfigurationError
	return errors.As(err, &config) || errors.Is(err, ErrPartitionCount) || errors.Is(err, ErrTopicReplaced)
}

func newSending(ctx context.Context, told chan bool, m events.Message, by *Publisher) *sending {
	s := &sending{receipt: receipt{patience: patience{ctx, told}, publisher: by}, event: m}
	// It has no metadata: the event's headers have an order. It has no id either, which would
	// be for Watermill's own log. Nor can it be acknowledged: nobody receives it.
	s.wrapped.Payload = m.Value
	s.wrapped.SetContext(s) //nolint:contextcheck // it is ctx, with more
	s.alone[0] = &s.wrapped
	return s
}

// sendingOf finds it again.
func sendingOf(m *message.Message) (*sending, error) {
	s, ok := m.Context().(*sending)
	if !ok {
		return nil, errors.New("message was not made by Publisher")
	}
	return s, nil
}

// eventMarshaler gives sarama the event as a record.
type eventMarshaler struct{}

// produced is what sarama takes for a record, at once.
type produced struct {
	sarama.ProducerMessage
	key     sarama.ByteEncoder
	value   sarama.ByteEncoder
	headers [8]sarama.RecordHeader // as many as a message has without a trace context
}

func (eventMarshaler) Marshal(topic string, m *message.Message) (*sarama.ProducerMessage, error) {
	s, err := sendingOf(m)
	if err != nil {
		return nil, err
	}
	p := &produced{key: s.event.Key, value: s.event.Value}
	p.ProducerMessage = sarama.ProducerMessage{
		Topic: topic, Value: &p.value, Headers: p.headers[:0],
		Metadata: &s.receipt, Offset: noOffset, Timestamp: clientTime(),
	}
	if s.event.Key != nil {
		p.Key = &p.key
	}
	for _, h := range s.event.Headers {
		name := unsafe.Slice(unsafe.StringData(h.Key), len(h.Key)) // sarama only reads it
		p.Headers = append(p.Headers, sarama.RecordHeader{Key: name, Value: h.Value})
	}
	return &p.ProducerMessage, nil
}

// clientTime is what records carry until the broker puts its own time there. It
// is coarse on purpose: a batch of records with one time is cheaper to stamp.
func clientTime() time.Time { return time.Now().Truncate(time.Second) }
