package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/pkg/events"
)

// A receipt travels with a message through Watermill to sarama and comes back
// with the record's place in the log: in the message's context up to the
// marshaler, in ProducerMessage.Metadata from there on.
type receipt struct {
	record    events.Message
	state     atomic.Int32
	batch     *batch // nil for a single record
	partition int32
	offset    int64
	err       error
}

// States of a receipt. From waiting it goes to one of the others, once.
const (
	stateWaiting   int32 = iota
	stateHanded          // sarama has the record: its outcome is sarama's to say
	stateAbandoned       // nobody waits any more, and sarama has not seen it
)

// noOffset is what sarama leaves in a message whose offset the broker did not say
// (DUPLICATE_SEQUENCE).
const noOffset = -1

var errAbandoned = errors.New("abandoned before it was sent")

func (r *receipt) hand() bool    { return r.state.CompareAndSwap(stateWaiting, stateHanded) }
func (r *receipt) abandon() bool { return r.state.CompareAndSwap(stateWaiting, stateAbandoned) }

// outcome is what Publish answers once sarama is done with the record.
func (r *receipt) outcome(l Layout) (events.Position, error) {
	switch {
	case r.err == nil && r.offset >= 0:
		return l.Position(events.Partition(r.partition), events.Offset(r.offset)), nil
	case r.err == nil:
		return events.Position{}, fmt.Errorf("publish: %w: it has it already, at an offset it did not say", ErrUnknownOutcome)
	case r.state.Load() != stateHanded || neverSent(r.err):
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

// message wraps the record for Watermill. Its metadata is a map, and stays empty:
// the receipt has the headers, in their order.
func (r *receipt) message() *message.Message {
	return message.NewMessageWithContext(context.WithValue(context.Background(), receiptKey{}, r), r.record.Header(events.HeaderID), r.record.Value)
}

// eventMarshaler writes an event as a record.
type eventMarshaler struct{}

func (eventMarshaler) Marshal(topic string, m *message.Message) (*sarama.ProducerMessage, error) {
	r, ok := m.Context().Value(receiptKey{}).(*receipt)
	if !ok {
		return nil, errors.New("message was not made by Publisher")
	}
	out := &sarama.ProducerMessage{
		Topic: topic, Value: sarama.ByteEncoder(m.Payload),
		Headers:  make([]sarama.RecordHeader, len(r.record.Headers)),
		Metadata: r, Offset: noOffset, Timestamp: clientTime(),
	}
	if r.record.Key != nil {
		out.Key = sarama.ByteEncoder(r.record.Key)
	}
	for i, h := range r.record.Headers {
		out.Headers[i] = sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value}
	}
	return out, nil
}

// clientTime is what records carry until the broker puts its own time there. It
// is coarse on purpose: a batch of records with one time is cheaper to stamp.
func clientTime() time.Time { return time.Now().Truncate(time.Second) }

// receiptHook is where Watermill lets us see sarama's answer.
type receiptHook struct{ kafka.SaramaTracer }

func (h *receiptHook) WrapSyncProducer(_ *sarama.Config, p sarama.SyncProducer) sarama.SyncProducer {
	return &receiptProducer{p}
}

type receiptProducer struct{ sarama.SyncProducer }

// SendMessage fills the receipt in. A record of a batch is only collected:
// Watermill sends one after the other, and a batch goes out at once.
func (p *receiptProducer) SendMessage(m *sarama.ProducerMessage) (partition int32, offset int64, err error) {
	r, ok := m.Metadata.(*receipt)
	if !ok {
		m.Metadata.(*batch).collect(p.SyncProducer, m)
		return 0, 0, nil
	}
	if r.batch != nil {
		r.batch.collect(p.SyncProducer, m)
		return 0, 0, nil
	}
	if !r.hand() {
		return 0, 0, errAbandoned
	}
	r.partition, r.offset, r.err = p.SyncProducer.SendMessage(m)
	return r.partition, r.offset, r.err
}
