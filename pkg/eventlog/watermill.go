package eventlog

import (
	"context"
	"fmt"
	"sync"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/pkg/events"
)

// KeyMetadata names the metadata of a Watermill message that is the record's key,
// both ways. Messages of one key keep their order.
const KeyMetadata = "_roomlog_key"

// Unmarshal makes a Watermill message of a record: all headers as metadata, the
// key as [KeyMetadata], and the id from Watermill's own header, else CloudEvents',
// else partition and offset. It never fails.
func Unmarshal(r Record) (*message.Message, error) {
	m := message.NewMessage(fmt.Sprintf("%d-%d", r.Partition, r.Offset), r.Value)
	for _, h := range r.Headers {
		switch {
		case h.Key == kafka.UUIDHeaderKey:
			m.UUID = string(h.Value)
			continue
		case h.Key == events.HeaderID && r.Header(kafka.UUIDHeaderKey) == "":
			m.UUID = string(h.Value)
		}
		m.Metadata.Set(h.Key, string(h.Value))
	}
	if r.Key != nil {
		m.Metadata.Set(KeyMetadata, string(r.Key))
	}
	return m, nil
}

// NewWatermillPublisher makes a Watermill publisher for any topic of the broker.
// Ids and metadata are kept ([Unmarshal] reads them). The record's key is what key
// says; a nil func takes [KeyMetadata]. Without a key a message goes to any
// partition. All messages of one call to Publish are in flight together; it
// returns when the log has all, or with the first error, and then any of them may
// be there.
func NewWatermillPublisher(cfg Config, key func(topic string, m *message.Message) string) (message.Publisher, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	if key == nil {
		key = func(_ string, m *message.Message) string { return m.Metadata.Get(KeyMetadata) }
	}
	wm, err := newWatermill(cfg, plainMarshaler{key}, newKeyPartitioner(0))
	if err != nil {
		return nil, err
	}
	return &plainPublisher{wm: wm}, nil
}

// plainPublisher sends the messages of a call as one batch, and lets Close wait
// for the calls that are under way.
type plainPublisher struct {
	wm     message.Publisher
	mu     sync.RWMutex
	closed bool
}

func (p *plainPublisher) Publish(topic string, ms ...*message.Message) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return fmt.Errorf("publish: %w", ErrClosed)
	}
	copies, receipts := make([]*message.Message, len(ms)), make([]*receipt, len(ms))
	for i, m := range ms {
		receipts[i] = &receipt{patience: patient(context.Background())}
		copies[i] = m.Copy()
		copies[i].SetContext(context.WithValue(m.Context(), receiptKey{}, receipts[i]))
	}
	if err := p.wm.Publish(topic, copies...); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	var failed []error
	for _, r := range receipts {
		if <-r.told; r.err != nil {
			failed = append(failed, r.err)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("publish %d of %d messages: %w", len(failed), len(ms), failed[0])
	}
	return nil
}

func (p *plainPublisher) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return p.wm.Close()
}

// receiptKey is where a message has its receipt, up to the marshaler.
type receiptKey struct{}

type plainMarshaler struct {
	key func(string, *message.Message) string
}

func (p plainMarshaler) Marshal(topic string, m *message.Message) (*sarama.ProducerMessage, error) {
	key := p.key(topic, m)
	if m.Metadata.Get(KeyMetadata) != "" {
		m.Metadata = cloneWithout(m.Metadata, KeyMetadata)
	}
	out, err := kafka.DefaultMarshaler{}.Marshal(topic, m)
	if err != nil {
		return nil, err
	}
	if key != "" {
		out.Key = sarama.StringEncoder(key)
	}
	out.Timestamp = clientTime()
	out.Metadata = m.Context().Value(receiptKey{})
	return out, nil
}

func cloneWithout(m message.Metadata, key string) message.Metadata {
	out := make(message.Metadata, len(m))
	for k, v := range m {
		if k != key {
			out[k] = v
		}
	}
	return out
}
