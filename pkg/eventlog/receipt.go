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

// A receipt travels with a record to sarama, in ProducerMessage.Metadata, and comes back
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

// A sending is an event on its way through Watermill to sarama: what both take, at once. It
// is the context of Watermill's message, where the marshaler finds it.
type sending struct {
	receipt
	wrapped  message.Message // for Watermill
	alone    [1]*message.Message
	produced sarama.ProducerMessage // for sarama
	key      []byte
	headers  [8]sarama.RecordHeader // as many as a message has without a trace context
}

// noOffset is what sarama leaves in a message whose offset the broker did not say
// (DUPLICATE_SEQUENCE).
const noOffset = -1

var errAbandoned = errors.New("abandoned before it was sent")

// settle fills the receipt in, once: whoever hears of a record a second time may wait for
// another one by then, that is not in the log.
func (r *receipt) settle(m *sarama.ProducerMessage, err error) {
	if r.settled.Swap(true) {
		panic("sarama has told of a record twice")
	}
	r.partition, r.offset, r.err = m.Partition, m.Offset, err
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
// anything. Of all others some attempt may have been written.
func neverSent(err error) bool {
	var config sarama.ConfigurationError
	return errors.As(err, &config) || errors.Is(err, ErrPartitionCount)
}

func newSending(ctx context.Context, told chan bool, m events.Message, by *Publisher) *sending {
	s := &sending{receipt: receipt{patience: patience{ctx, told}, publisher: by}, key: m.Key}
	// Watermill's has no metadata: sarama's has the headers, in their order. It has no id
	// either, which would be for Watermill's own log. Nor can it be acknowledged: nobody
	// receives it.
	s.wrapped.Payload = m.Value
	s.wrapped.SetContext(s) //nolint:contextcheck // it is ctx, with more
	s.alone[0] = &s.wrapped
	s.produced = sarama.ProducerMessage{
		Value: (*sarama.ByteEncoder)(&s.wrapped.Payload), Headers: s.headers[:0],
		Metadata: &s.receipt, Offset: noOffset, Timestamp: clientTime(),
	}
	if m.Key != nil {
		s.produced.Key = (*sarama.ByteEncoder)(&s.key)
	}
	for _, h := range m.Headers {
		name := unsafe.Slice(unsafe.StringData(h.Key), len(h.Key)) // sarama only reads it
		s.produced.Headers = append(s.produced.Headers, sarama.RecordHeader{Key: name, Value: h.Value})
	}
	return s
}

// eventMarshaler gives sarama the event as a record.
type eventMarshaler struct{}

func (eventMarshaler) Marshal(topic string, m *message.Message) (*sarama.ProducerMessage, error) {
	s, ok := m.Context().(*sending)
	if !ok {
		return nil, errors.New("message was not made by Publisher")
	}
	s.produced.Topic = topic
	return &s.produced, nil
}

// clientTime is what records carry until the broker puts its own time there. It
// is coarse on purpose: a batch of records with one time is cheaper to stamp.
func clientTime() time.Time { return time.Now().Truncate(time.Second) }
