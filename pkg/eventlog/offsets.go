package eventlog

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/roomlog/roomlog/pkg/events"
)

// Kafka's names, as timestamps, for the two ends of a partition.
const (
	atStart int64 = -2
	atEnd   int64 = -1
)

// listOffsets asks the leaders of the partitions, one request each, and answers
// in the order of the partitions.
func listOffsets(ctx context.Context, cl *kgo.Client, topic string, partitions []int32, at int64) ([]events.Offset, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for _, p := range partitions {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition = p
		rp.Timestamp = at
		t.Partitions = append(t.Partitions, rp)
	}
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", topic, err)
	}
	found := make(map[int32]events.Offset, len(partitions))
	for _, rt := range resp.Topics {
		for _, rp := range rt.Partitions {
			if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
				return nil, fmt.Errorf("list offsets of %s/%d: %w", topic, rp.Partition, err)
			}
			found[rp.Partition] = events.Offset(rp.Offset)
		}
	}
	out := make([]events.Offset, len(partitions))
	for i, p := range partitions {
		o, ok := found[p]
		if !ok {
			return nil, fmt.Errorf("list offsets of %s/%d: the broker does not know the partition", topic, p)
		}
		out[i] = o
	}
	return out, nil
}
