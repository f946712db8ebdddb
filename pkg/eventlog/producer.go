package eventlog

import (
	"fmt"
	"sync"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"
)

// newWatermill makes a Watermill publisher that returns as soon as sarama has the
// messages: the marshaler gives each a [receipt] that tells the rest.
func newWatermill(cfg Config, m kafka.Marshaler, partitioner sarama.PartitionerConstructor) (message.Publisher, error) {
	s := newSarama(cfg, partitioner)
	async, err := sarama.NewAsyncProducer(cfg.Brokers, s)
	if err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	wm, err := kafka.NewPublisher(kafka.PublisherConfig{
		Brokers: cfg.Brokers, Marshaler: m, OverwriteSaramaConfig: s, Tracer: producerHook{async: async},
	}, watermill.NopLogger{})
	if err != nil {
		_ = async.Close()
		return nil, fmt.Errorf("publisher: %w", err)
	}
	return wm, nil
}

// producerHook is where Watermill lets us put another producer in the place of its
// own, which has a goroutine wait for each record.
type producerHook struct {
	kafka.SaramaTracer
	async sarama.AsyncProducer
}

func (h producerHook) WrapSyncProducer(_ *sarama.Config, its sarama.SyncProducer) sarama.SyncProducer {
	_ = its.Close() // it has nothing to send
	p := &receiptProducer{SyncProducer: its, async: h.async}
	p.answers.Go(p.successes)
	p.answers.Go(p.errors)
	return p
}

// receiptProducer hands records over and settles their receipts when sarama answers.
type receiptProducer struct {
	sarama.SyncProducer // closed: it makes up the interface
	async               sarama.AsyncProducer
	answers             sync.WaitGroup
}

// SendMessage hands a record over, and says nothing of what becomes of it. An error
// says that sarama does not have it.
func (p *receiptProducer) SendMessage(m *sarama.ProducerMessage) (partition int32, offset int64, err error) {
	within := m.Metadata.(*receipt).patience
	select {
	case p.async.Input() <- m: // there is room, nearly always
		return 0, 0, nil
	default:
	}
	select {
	case p.async.Input() <- m:
		return 0, 0, nil
	case <-within.told: // that it is late
	case <-within.Done():
	}
	return 0, 0, errAbandoned
}

func (p *receiptProducer) successes() {
	for m := range p.async.Successes() {
		settle(m, nil)
	}
}

func (p *receiptProducer) errors() {
	for e := range p.async.Errors() {
		settle(e.Msg, e.Err)
	}
}

func settle(m *sarama.ProducerMessage, err error) {
	m.Metadata.(*receipt).settle(m.Partition, m.Offset, err)
}

// Close waits for what was handed over.
func (p *receiptProducer) Close() error {
	p.async.AsyncClose()
	p.answers.Wait()
	return nil
}
