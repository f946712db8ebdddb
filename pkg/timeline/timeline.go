// Package timeline is what projectors tell after each commit, so that API
// replicas can deliver live: an ordinary Watermill topic beside the log.
//
// Commits of a partition form a chain: each leads from Floor to Next, where the
// one before it led to Floor. A follower that finds Floor above what it has seen
// has missed a commit and reads the gap from the read model; a beacon (a commit
// without events, every second and at each claim) shows even a lost last one.
// The topic may therefore lose, repeat and reorder: it carries nothing that the
// read model does not hold already.
package timeline

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// DefaultTopic is the timeline's topic.
const DefaultTopic = "roomlog.timeline"

// EphemeralTopic is the topic beside it where API replicas tell each other what is
// kept nowhere: who is typing, who is there.
const EphemeralTopic = "roomlog.ephemeral"

// BeaconInterval is how often the owner of a partition sends a beacon, in seconds.
const BeaconInterval = 1

const metadataKey = "partition"

// Commit is what one transaction of a projector made visible.
type Commit struct {
	// Projection is the version of the projection that was written.
	Projection int `json:"projection"`
	// Epoch is the claim under which it was written; followers ignore older ones.
	Epoch     int64            `json:"epoch"`
	Partition events.Partition `json:"partition"`
	// Floor and Next are the checkpoint before and after.
	Floor events.Offset `json:"floor"`
	Next  events.Offset `json:"next"`
	// Decisions is how far operators' decisions are carried out. Where it moves,
	// events that were parked may have become visible, at offsets below Floor.
	Decisions events.Offset `json:"decisions,omitempty"`
	// Events are the accepted, sequenced events, in log order.
	Events []readmodel.EventRow `json:"events,omitempty"`
	// Blocked are the rooms that it blocked, in log order: who follows them is to know
	// that later events of the partition are not later than all of theirs.
	Blocked []Block `json:"blocked,omitempty"`
	// Revocations are the tokens that it ended.
	Revocations []readmodel.RevocationRow `json:"revocations,omitempty"`
}

// Block says from which offset on a room's events are parked.
type Block struct {
	readmodel.Key
	Partition events.Partition
	Offset    events.Offset
}

// NewMessage encodes a commit.
func NewMessage(c Commit) (*message.Message, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode commit: %w", err)
	}
	m := message.NewMessage(watermill.NewULID(), b)
	SetKey(m, strconv.Itoa(int(c.Partition)))
	return m, nil
}

type commitKey struct{}

// Carry makes a message that has the commit itself in its context, for a Pub/Sub
// inside of the process that keeps contexts. Nobody may change what it points at.
func Carry(c Commit) (*message.Message, error) {
	m := message.NewMessageWithContext(context.WithValue(context.Background(), commitKey{}, c), watermill.NewULID(), nil)
	SetKey(m, strconv.Itoa(int(c.Partition)))
	return m, nil
}

// Key is the record key of a message that [NewMessage] made, or that [SetKey] gave:
// the commits of one partition of the log stay in their order.
func Key(_ string, m *message.Message) string { return m.Metadata.Get(metadataKey) }

// SetKey gives a message its record key.
func SetKey(m *message.Message, key string) { m.Metadata.Set(metadataKey, key) }

// Decode reads what [NewMessage] wrote, or [Carry] carries.
func Decode(m *message.Message) (Commit, error) {
	if c, ok := m.Context().Value(commitKey{}).(Commit); ok {
		return c, nil
	}
	var c Commit
	if err := json.Unmarshal(m.Payload, &c); err != nil {
		return Commit{}, fmt.Errorf("decode commit: %w", err)
	}
	return c, nil
}
