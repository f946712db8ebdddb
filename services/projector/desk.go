package projector

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

// awaitPoll is how often the checkpoints are looked at while a decision is waited for.
const awaitPoll = 50 * time.Millisecond

var (
	// ErrNotParked says that there is no such parked event.
	ErrNotParked = errors.New("no such event is parked in that room")
	// ErrNotCarriedOut says that a decision stands and its partition's owner has not
	// carried it out yet.
	ErrNotCarriedOut = errors.New("the decision stands, but no projector has carried it out yet")
)

// Desk is where an operator looks at what the projector could not do and decides.
type Desk struct {
	Log    eventlog.Config
	Layout eventlog.Layout
	// Store has the live tables.
	Store readmodel.Store
	// Topic is that of the decisions, made where it is missing.
	Topic eventlog.TopicSpec
	// Operator names who decides.
	Operator string
	Now      func() time.Time
}

// Pending is a decision that has been appended.
type Pending struct {
	Partition events.Partition // that it is about
	At        events.Position  // in the decisions topic
}

// Blocked lists the events that block rooms.
func (d *Desk) Blocked(ctx context.Context, limit int) (all []readmodel.DeadLetter, err error) {
	err = d.Store.Snapshot(ctx, func(r readmodel.Reader) error {
		all, err = r.BlockedRooms(ctx, limit)
		return err
	})
	return all, err
}

// Parked lists the parked events of a room, in log order, and how far decisions
// about its partition were carried out then.
func (d *Desk) Parked(ctx context.Context, k readmodel.Key, limit int) (all []readmodel.DeadLetter, seen readmodel.Checkpoint, err error) {
	err = d.Store.Snapshot(ctx, func(r readmodel.Reader) error {
		if all, err = r.Parked(ctx, k, limit); err != nil {
			return err
		}
		seen, _, err = r.Checkpoint(ctx, d.partitionOf(k))
		return err
	})
	return all, seen, err
}

func (d *Desk) partitionOf(k readmodel.Key) events.Partition {
	return eventlog.PartitionOf(events.Key(k.Tenant, k.Room), d.Layout.Partitions)
}

// Release decides that rooms' parked events are judged again.
func (d *Desk) Release(ctx context.Context, reason string, rooms ...readmodel.Key) ([]Pending, error) {
	all := make([]decisions.Decision, 0, len(rooms))
	for _, k := range rooms {
		_, seen, err := d.Parked(ctx, k, 1)
		if err == nil {
			err = d.check(ctx, seen)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, d.decision(decisions.Decision{
			Type: decisions.RoomReleased, Reason: reason, Log: seen.Log, Partition: d.partitionOf(k), Tenant: k.Tenant, Room: k.Room,
		}))
	}
	return d.publish(ctx, all)
}

// maxSearched is the most parked records of a room among which an event is looked for.
const maxSearched = 100_000

// Discard decides that a parked event is rejected for good and its room released.
// [ErrNotParked] where it is not parked.
func (d *Desk) Discard(ctx context.Context, reason string, k readmodel.Key, id events.EventID) ([]Pending, error) {
	letters, seen, err := d.Parked(ctx, k, maxSearched)
	if err != nil {
		return nil, err
	}
	if err := d.check(ctx, seen); err != nil {
		return nil, err
	}
	for i := range letters {
		if l := &letters[i]; l.ID == id {
			by := command(l)
			return d.publish(ctx, []decisions.Decision{d.decision(decisions.Decision{
				Type: decisions.EventDiscarded, Reason: reason, Log: seen.Log, Partition: l.Partition, Tenant: k.Tenant, Room: k.Room,
				Event: id, At: l.Offset, Sender: by.Sender, Digest: by.Digest, Seen: seen.Decisions,
			})})
		}
	}
	return nil, fmt.Errorf("%w: event %s, room %s of tenant %s", ErrNotParked, id, k.Room, k.Tenant)
}

// command is what can be known of the command behind a parked event. A newer
// program's event says so in the same place, or it is not known.
func command(l *readmodel.DeadLetter) events.Command {
	var body struct {
		Facts events.Command `json:"facts"`
	}
	if err := json.Unmarshal(l.Message.Value, &body); err != nil {
		return events.Command{}
	}
	by := body.Facts
	if _, err := events.ParseUserID(string(by.Sender)); err != nil || len(by.Digest) > events.MaxIDLength {
		return events.Command{}
	}
	return by
}

// Await waits until decisions have been carried out. [ErrNotCarriedOut] where ctx
// ends before.
func (d *Desk) Await(ctx context.Context, all ...Pending) error {
	tick := time.NewTicker(awaitPoll)
	defer tick.Stop()
	for {
		checkpoints := map[events.Partition]readmodel.Checkpoint{}
		err := d.Store.Snapshot(ctx, func(r readmodel.Reader) error {
			list, err := r.Checkpoints(ctx)
			for _, cp := range list {
				checkpoints[cp.Partition] = cp
			}
			return err
		})
		if err != nil && ctx.Err() == nil {
			return err
		}
		waiting := ""
		for _, p := range all {
			if cp := checkpoints[p.Partition]; err == nil && (cp.DecisionsLog != p.At.Log || cp.Decisions <= p.At.Offset) {
				waiting = fmt.Sprintf("partition %d, last claimed by %s", p.Partition, cp.Owner)
			}
		}
		if err == nil && waiting == "" {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w (%s)", ErrNotCarriedOut, waiting)
		}
	}
}

func (d *Desk) decision(of decisions.Decision) decisions.Decision {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	of.ID, of.Time, of.By = events.EventID(hex.EncodeToString(id[:])), d.Now(), d.Operator
	return of
}

func (d *Desk) publish(ctx context.Context, all []decisions.Decision) ([]Pending, error) {
	topic, err := d.topic(ctx)
	if err != nil {
		return nil, err
	}
	positions, err := decisions.Publish(ctx, d.Log, topic, all...)
	pending := make([]Pending, len(positions))
	for i, at := range positions {
		pending[i] = Pending{all[i].Partition, at}
	}
	return pending, err
}

// topic makes sure of the decisions topic.
func (d *Desk) topic(ctx context.Context) (eventlog.Layout, error) {
	l, err := eventlog.EnsureTopic(ctx, d.Log, d.Topic)
	if err != nil {
		return l, fmt.Errorf("the decisions topic: %w", err)
	}
	return l, nil
}

// check refuses to decide about rooms while the decisions topic is not the one
// that the partition goes by: it is stopped until that is accepted.
func (d *Desk) check(ctx context.Context, seen readmodel.Checkpoint) error {
	topic, err := d.topic(ctx)
	if err != nil {
		return err
	}
	end, err := decisionsEnd(ctx, d.Log, topic)
	if err != nil {
		return err
	}
	return partition.RecogniseDecisions(seen, topic.Log, end)
}

func decisionsEnd(ctx context.Context, cfg eventlog.Config, topic eventlog.Layout) (events.Offset, error) {
	r := eventlog.NewReader(cfg, topic, 0)
	defer r.Close()
	_, end, err := r.Bounds(ctx)
	if err != nil {
		return 0, fmt.Errorf("the decisions topic: %w", err)
	}
	return end, nil
}
