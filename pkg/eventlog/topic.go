package eventlog

import (
	"fmt"
	"strconv"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// TopicSpec is a topic as it is wanted.
type TopicSpec struct {
	// Name of the topic.
	Name string
	// Epoch becomes the layout's; the default is 1.
	Epoch events.LogEpoch
	// Partitions is how many there must be; zero takes what is there.
	Partitions int
	// Replication is the number of replicas of a new topic; zero leaves it to
	// the broker.
	Replication int
	// MinInSync is how many replicas must have a record before it is
	// acknowledged, for a new topic; zero leaves it to the broker.
	MinInSync int
	// Retention is how long records are kept; zero is for ever.
	Retention time.Duration
	// SegmentBytes is the size of the files that retention deletes, for a new
	// topic; zero leaves it to the broker.
	SegmentBytes int
}

// EventsTopicSpec is the topic of the room events.
func (c Config) EventsTopicSpec(partitions, replication, minInSync int) TopicSpec {
	orDefault(&c.Epoch, 1)
	orDefault(&c.Topic, EventsTopic(c.Epoch))
	return TopicSpec{
		Name: c.Topic, Epoch: c.Epoch, Partitions: partitions,
		Replication: replication, MinInSync: minInSync,
	}
}

// Layout is a topic as it is.
type Layout struct {
	Topic      string
	Log        events.LogID // the broker's id of the topic
	Epoch      events.LogEpoch
	Partitions int
}

// Position is a place in the log.
func (l Layout) Position(p events.Partition, o events.Offset) events.Position {
	return events.Position{Log: l.Log, Epoch: l.Epoch, Partition: p, Offset: o}
}

// settings are what a new topic is created with.
func (t TopicSpec) settings() map[string]*string {
	s := map[string]string{
		"cleanup.policy":         "delete",
		"retention.ms":           t.retentionMillis(),
		"retention.bytes":        "-1",
		"message.timestamp.type": "LogAppendTime",
	}
	if t.MinInSync > 0 {
		s["min.insync.replicas"] = strconv.Itoa(t.MinInSync)
	}
	if t.SegmentBytes > 0 {
		s["segment.bytes"] = strconv.Itoa(t.SegmentBytes)
	}
	out := make(map[string]*string, len(s))
	for k, v := range s {
		out[k] = &v
	}
	return out
}

// required are the settings that a topic which is already there must have: what
// the fold judges by (the time), and that nothing is ever deleted from a log that
// is kept for ever.
func (t TopicSpec) required() map[string]string {
	r := map[string]string{"message.timestamp.type": "LogAppendTime"}
	if t.Retention == 0 {
		r["cleanup.policy"] = "delete"
		r["retention.ms"] = "-1"
		r["retention.bytes"] = "-1"
	}
	return r
}

func (t TopicSpec) retentionMillis() string {
	if t.Retention == 0 {
		return "-1"
	}
	return strconv.FormatInt(t.Retention.Milliseconds(), 10)
}

func (t TopicSpec) check() error {
	if t.Name == "" {
		return fmt.Errorf("eventlog: topic without a name")
	}
	return checkPartitions(t.Name, t.Partitions)
}

func checkPartitions(topic string, n int) error {
	if n < 0 || n > events.MaxPartitions {
		return fmt.Errorf("%w: %d for %s, a log has 1 to %d", ErrPartitionCount, n, topic, events.MaxPartitions)
	}
	return nil
}
