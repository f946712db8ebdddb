package eventlog

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// appendTimeout is how long the broker may take for a request, which is a write and a
	// sync: a disk that has much to do takes seconds. Who publishes waits as long as they like.
	appendTimeout = time.Minute
	// appendIdle is how long the connection is kept without a request, which is as long as
	// may be: it costs nobody anything, and to open it costs the next who publishes.
	appendIdle = 15 * time.Minute
)

// appender is Watermill's publisher for a broker in the same process. There is no other
// broker that could lead, and no network between: what fails is not sent again, and what
// else Kafka's producers are for is not needed. A record is encoded where it is published,
// into the batch that gathers for its partition while a request is under way; the next
// request takes what has gathered.
type appender struct {
	layout Layout
	client *kgo.Client
	broker *kgo.Broker
	zip    kgo.Compressor
	wake   chan struct{} // a record has come; closed by Close
	ended  chan struct{} // closed when nothing is sent any more

	mu    sync.Mutex
	open  []*recordBatch // those that a record may still go into, by partition; nil: none
	queue []*recordBatch // all, in the order in which they were begun
}

func newAppender(cfg Config, l Layout) (*appender, error) {
	zip, err := kgo.DefaultCompressor(kgo.SnappyCompression())
	if err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	cfg.RequestTimeout = appendTimeout
	client, err := newKgo(cfg, kgo.ConnIdleTimeout(appendIdle))
	if err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	a := &appender{
		layout: l, client: client, broker: client.SeedBrokers()[0], zip: zip,
		wake: make(chan struct{}, 1), ended: make(chan struct{}),
		open: make([]*recordBatch, l.Partitions),
	}
	go a.run()
	return a, nil
}

// Publish leaves events to the next request, and says nothing of what becomes of them. An
// error says that an event is not sent, nor any behind it.
func (a *appender) Publish(_ string, ms ...*message.Message) error {
	for _, m := range ms {
		s, err := sendingOf(m)
		if err != nil {
			return err
		}
		if err := a.gather(s); err != nil {
			return err
		}
	}
	return nil
}

// gather puts an event into the batch of its partition.
func (a *appender) gather(s *sending) error {
	p := PartitionOf(s.event.Key, a.layout.Partitions)
	a.mu.Lock()
	defer a.mu.Unlock()
	if b := a.open[p]; b == nil || !b.add(s) {
		b = newRecordBatch(p)
		if !b.add(s) {
			return fmt.Errorf("the record is too large: one has at most %d bytes", maxPublishRequest)
		}
		a.open[p] = b
		a.queue = append(a.queue, b)
	}
	select { // before anybody can take it: when its fate is known, Close may be called
	case a.wake <- struct{}{}:
	default: // run is told
	}
	return nil
}

// take takes what the next request has: a batch of each partition at most.
func (a *appender) take(request []*recordBatch) []*recordBatch {
	a.mu.Lock()
	defer a.mu.Unlock()
	later := a.queue[:0]
	for _, b := range a.queue {
		if hasPartition(request, b.partition) {
			later = append(later, b)
			continue
		}
		request = append(request, b)
		if a.open[b.partition] == b {
			a.open[b.partition] = nil
		}
	}
	clear(a.queue[len(later):])
	a.queue = later
	return request
}

// run sends what has gathered, as long as there is something, until Close.
func (a *appender) run() {
	defer close(a.ended)
	var request []*recordBatch
	for range a.wake {
		for {
			request = a.take(request[:0])
			if len(request) == 0 {
				break
			}
			a.send(request)
		}
	}
}

// send appends batches and settles their records.
//
//nolint:contextcheck,nolintlint // no caller's context ends it; contextcheck takes that here alone, of which nolintlint does not know
func (a *appender) send(batches []*recordBatch) {
	request := kmsg.NewPtrProduceRequest()
	request.Acks = -1
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic, topic.TopicID = a.layout.Topic, [16]byte(a.layout.Log)
	for _, b := range batches {
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition, p.Records = int32(b.partition), b.encode(a.zip)
		topic.Partitions = append(topic.Partitions, p)
	}
	request.Topics = append(request.Topics, topic)
	answer, err := a.broker.Request(a.client.Context(), request)
	for _, b := range batches {
		first, err := appended(answer, err, b)
		for i, s := range b.sendings {
			s.settle(int32(b.partition), first+int64(i), err)
		}
		if err == nil { // else somebody may have it still
			b.release()
		}
	}
}

// appended is where a batch stands.
func appended(answer kmsg.Response, err error, b *recordBatch) (first int64, _ error) {
	if err != nil {
		return 0, err
	}
	for _, t := range answer.(*kmsg.ProduceResponse).Topics {
		for _, p := range t.Partitions {
			if p.Partition == int32(b.partition) {
				return p.BaseOffset, refused(p.ErrorCode)
			}
		}
	}
	return 0, errors.New("the broker has said nothing of it")
}

// refused is the error that an answer names. It is about a topic by its id, so of one that
// has the log's name and is another the broker knows nothing.
func refused(code int16) error {
	err := kerr.ErrorForCode(code)
	if errors.Is(err, kerr.UnknownTopicID) {
		return fmt.Errorf("%w: %w", ErrTopicReplaced, err)
	}
	return err
}

// Close waits for what was published. Nobody may publish any more.
func (a *appender) Close() error {
	close(a.wake)
	<-a.ended
	a.client.Close()
	return nil
}
