package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/pkg/events"
)

// batchRecords is how many records of a batch are in flight at a time.
const batchRecords = 1000

// batch is what is handed to sarama at once. Only the goroutine that publishes it
// touches it.
type batch struct {
	producer sarama.SyncProducer
	messages []*sarama.ProducerMessage
}

func (b *batch) collect(p sarama.SyncProducer, m *sarama.ProducerMessage) {
	b.producer = p
	b.messages = append(b.messages, m)
}

// PublishBatch appends events, those of one partition in their order, with many
// in flight. It stops at the first error: the answer then has the positions of
// the events before it, the error is as in [Publisher.Publish] for the first
// event without a position, and of the up to 1000 events after that one any may
// be in the log. Events of one batch must not be appended by anyone else at the
// same time if their order matters.
func (p *Publisher) PublishBatch(ctx context.Context, ms []events.Message) ([]events.Position, error) {
	positions := make([]events.Position, 0, len(ms))
	for len(ms) > 0 {
		n := min(len(ms), batchRecords)
		done, err := p.publishChunk(ctx, ms[:n])
		positions = append(positions, done...)
		if err != nil {
			return positions, err
		}
		ms = ms[n:]
	}
	return positions, nil
}

func (p *Publisher) publishChunk(ctx context.Context, ms []events.Message) ([]events.Position, error) {
	if err := p.begin(ctx); err != nil {
		return nil, err
	}
	b := &batch{messages: make([]*sarama.ProducerMessage, 0, len(ms))}
	receipts := make([]*receipt, len(ms))
	for i, m := range ms {
		receipts[i] = &receipt{record: m, batch: b, offset: noOffset}
	}
	first := receipts[0] // its state is the chunk's
	done := make(chan error, 1)
	go func() { //nolint:contextcheck // the caller's context does not end a record that is under way
		defer p.end()
		done <- p.sendChunk(b, receipts)
	}()
	select {
	case err := <-done:
		return chunkOutcome(p.layout, receipts, err)
	case <-ctx.Done():
		if first.abandon() {
			return nil, fmt.Errorf("publish: not sent: %w", ctx.Err())
		}
		return nil, fmt.Errorf("publish: %w: %w", ErrUnknownOutcome, ctx.Err())
	}
}

// sendChunk fills the receipts in. An error says that nothing was sent.
func (p *Publisher) sendChunk(b *batch, receipts []*receipt) error {
	messages := make([]*message.Message, len(receipts))
	for i, r := range receipts {
		messages[i] = r.message()
	}
	if err := p.wm.Publish(p.layout.Topic, messages...); err != nil {
		return err
	}
	if !receipts[0].hand() {
		return errAbandoned
	}
	for _, r := range receipts[1:] {
		r.hand()
	}
	sent := b.producer.SendMessages(b.messages)
	for _, m := range b.messages {
		r := m.Metadata.(*receipt)
		r.partition, r.offset = m.Partition, m.Offset
	}
	if failed, ok := errors.AsType[sarama.ProducerErrors](sent); ok {
		for _, f := range failed {
			f.Msg.Metadata.(*receipt).err = f.Err
		}
	}
	return nil
}

func chunkOutcome(l Layout, receipts []*receipt, err error) ([]events.Position, error) {
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	positions := make([]events.Position, 0, len(receipts))
	for _, r := range receipts {
		pos, err := r.outcome(l)
		if err != nil {
			return positions, err
		}
		positions = append(positions, pos)
	}
	return positions, nil
}
