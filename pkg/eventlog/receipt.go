package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/pkg/events"
)

// A receipt travels with a message through Watermill to sarama and comes back
// with the record's place in the log: in the message's context up to the
// marshaler, in ProducerMessage.Metadata from there on. Both messages are part of it, so
// that a send has one thing to allocate.
type receipt struct {
	record   events.Message
	wrapped  message.Message        // for Watermill
	produced sarama.ProducerMessage // for sarama
	// within is how long somebody waits: what sarama has not taken by then it does not get.
	within patience
	// publisher has it in flight; nil: none.
	publisher *Publisher

	// done is closed when sarama has said what became of the record: the fields below.
	done      chan struct{}
	partition int32
	offset    int64
	err       error
}

// noOffset is what sarama leaves in a message whose offset the broker did not say
// (DUPLICATE_SEQUENCE).
const noOffset = -1

var errAbandoned = errors.New("abandoned before it was sent")

// settle fills the receipt in.
func (r *receipt) settle(m *sarama.ProducerMessage, err error) {
	r.partition, r.offset, r.err = m.Partition, m.Offset, err
	if r.publisher != nil {
		r.publisher.end()
	}
	close(r.done)
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

type receiptKey struct{}

// message wraps the record for Watermill. It has no metadata: the receipt has the
// headers, in their order. Nor can it be acknowledged: nobody receives it.
func (r *receipt) message(ctx context.Context) *message.Message {
	r.wrapped.UUID, r.wrapped.Payload = r.record.Header(events.HeaderID), r.record.Value
	r.wrapped.SetContext(context.WithValue(ctx, receiptKey{}, r))
	return &r.wrapped
}

// eventMarshaler writes an event as a record.
type eventMarshaler struct{}

func (eventMarshaler) Marshal(topic string, m *message.Message) (*sarama.ProducerMessage, error) {
	r, ok := m.Context().Value(receiptKey{}).(*receipt)
	if !ok {
		return nil, errors.New("message was not made by Publisher")
	}
	r.produced = sarama.ProducerMessage{
		Topic: topic, Value: (*sarama.ByteEncoder)(&r.record.Value),
		Headers:  make([]sarama.RecordHeader, len(r.record.Headers)),
		Metadata: r, Offset: noOffset, Timestamp: clientTime(),
	}
	if r.record.Key != nil {
		r.produced.Key = (*sarama.ByteEncoder)(&r.record.Key)
	}
	for i, h := range r.record.Headers {
		name := unsafe.Slice(unsafe.StringData(h.Key), len(h.Key)) // sarama only reads it
		r.produced.Headers[i] = sarama.RecordHeader{Key: name, Value: h.Value}
	}
	return &r.produced, nil
}

// clientTime is what records carry until the broker puts its own time there. It
// is coarse on purpose: a batch of records with one time is cheaper to stamp.
func clientTime() time.Time { return time.Now().Truncate(time.Second) }
