package eventlog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/IBM/sarama"
)

const (
	// The client goes on for some 17 s, so that it outlasts the election of a new
	// leader, and looks for that often, as all senders wait for it.
	publishRetries     = 70
	minPublishBackoff  = 50 * time.Millisecond
	maxPublishBackoff  = 250 * time.Millisecond
	maxPublishRequest  = 1 << 20 // bytes of one batch, Kafka's default limit
	saramaReadOverhead = time.Second
)

// newSarama is the producer's configuration. The config must be complete.
func newSarama(c Config, partitioner sarama.PartitionerConstructor) *sarama.Config {
	s := sarama.NewConfig()
	s.Version = sarama.V3_7_0_0
	s.ClientID = c.ClientID
	s.MetricRegistry = unmeasured{s.MetricRegistry}
	s.Net.DialTimeout = c.DialTimeout
	s.Net.WriteTimeout = c.RequestTimeout
	s.Net.ReadTimeout = c.RequestTimeout + saramaReadOverhead
	// An idempotent producer needs it: with more, a failed batch can be
	// overtaken.
	s.Net.MaxOpenRequests = 1
	if c.Username != "" {
		s.Net.SASL.Enable = true
		s.Net.SASL.Mechanism = sarama.SASLTypePlaintext
		s.Net.SASL.User = c.Username
		s.Net.SASL.Password = c.Password
	}
	if c.Dial != nil {
		s.Net.Proxy.Enable, s.Net.Proxy.Dialer = true, saramaDialer{c.Dial, c.DialTimeout}
	}
	s.Metadata.Full = false
	s.Metadata.AllowAutoTopicCreation = false
	s.Metadata.Retry.Backoff = minPublishBackoff
	s.Metadata.Timeout = c.RequestTimeout
	s.Producer.RequiredAcks = sarama.WaitForAll
	s.Producer.Idempotent = true
	s.Producer.Timeout = c.RequestTimeout
	s.Producer.Compression = sarama.CompressionZSTD
	s.Producer.CompressionLevel = 1 // the fastest
	s.Producer.MaxMessageBytes = maxPublishRequest
	s.Producer.Partitioner = partitioner
	s.Producer.Retry.Max = publishRetries
	s.Producer.Retry.BackoffFunc = func(retries, _ int) time.Duration {
		return min(minPublishBackoff<<min(max(retries-1, 0), 10), maxPublishBackoff)
	}
	s.Producer.Return.Successes = true
	s.Producer.Return.Errors = true
	return s
}

// saramaDialer is [Config.Dial], within the time-out.
type saramaDialer struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	timeout time.Duration
}

func (d saramaDialer) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d.timeout)
	defer cancel()
	return d.dial(ctx, network, address)
}

// keyPartitioner is [PartitionOf], and refuses to work when the topic has other
// partitions than the log. A record without a key goes anywhere.
type keyPartitioner struct {
	topic      string
	partitions int // zero: as many as the topic has
}

func newKeyPartitioner(partitions int) sarama.PartitionerConstructor {
	return func(topic string) sarama.Partitioner { return keyPartitioner{topic, partitions} }
}

func (k keyPartitioner) Partition(m *sarama.ProducerMessage, n int32) (int32, error) {
	if k.partitions != 0 && int(n) != k.partitions {
		return -1, fmt.Errorf("%w: topic %s has %d now, the log has %d", ErrPartitionCount, k.topic, n, k.partitions)
	}
	if m.Key == nil {
		return rand.Int32N(n), nil
	}
	key, err := m.Key.Encode()
	if err != nil {
		return -1, err
	}
	return int32(PartitionOf(key, int(n))), nil
}

func (keyPartitioner) RequiresConsistency() bool { return true }
