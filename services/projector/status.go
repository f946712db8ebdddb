package projector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

// Status is how far the projection is.
type Status struct {
	Log        string            `json:"log"`
	Partitions []PartitionStatus `json:"partitions"`
	// Blocked lists the first blocked rooms, each with the event that blocks it.
	Blocked []BlockedRoom `json:"blocked_rooms"`
}

// PartitionStatus is how far one partition is folded.
type PartitionStatus struct {
	Partition events.Partition `json:"partition"`
	Owner     string           `json:"owner,omitempty"` // who claimed it last
	Epoch     int64            `json:"epoch"`
	Next      events.Offset    `json:"next"`
	End       events.Offset    `json:"end"`
	Lag       int64            `json:"lag"` // records not folded yet
	// LagSeconds is the age of the first record that is not folded yet.
	LagSeconds   float64        `json:"lag_seconds"`
	Folded       readmodel.Time `json:"folded_at"`
	BadRecords   int64          `json:"bad_records"`
	DeadLetters  int64          `json:"dead_letters"`
	BlockedRooms int64          `json:"blocked_rooms"`
	// Gap says why the partition cannot be folded on, and is empty where it can.
	Gap string `json:"gap,omitempty"`
	// Advice says what to do about the gap.
	Advice string `json:"advice,omitempty"`
}

// BlockedRoom is a room whose events are parked.
type BlockedRoom struct {
	Tenant    events.Tenant    `json:"tenant"`
	Room      events.RoomID    `json:"room"`
	Partition events.Partition `json:"partition"`
	Offset    events.Offset    `json:"offset"`
	Event     events.EventID   `json:"event_id"`
	Type      events.Type      `json:"type"`
	Code      string           `json:"code"`
	Reason    string           `json:"reason,omitempty"`
	// Advice says what to do about it.
	Advice string `json:"advice"`
}

// adviceOf says what to do about a blocked room, by why it is blocked.
func adviceOf(d readmodel.DeadLetter) string {
	release := fmt.Sprintf("roomlog projector dead release --tenant %s --room %s", d.Tenant, d.Room)
	switch d.Code {
	case room.CodeUnknownType, room.CodeUnknownRules:
		return "upgrade the projectors, then: " + release
	case room.CodeUnstorable:
		return "see why the database refuses the row, then: " + release
	default:
		return "run a projector without the fault, then: " + release
	}
}

// maxBlockedRooms is the most rooms that a status lists.
const maxBlockedRooms = 100

// ReadStatus compares the checkpoints with the log.
func ReadStatus(ctx context.Context, cfg eventlog.Config, layout eventlog.Layout, store readmodel.Store) (Status, error) {
	status := Status{Log: layout.Log.String(), Blocked: []BlockedRoom{}}
	checkpoints := map[events.Partition]readmodel.Checkpoint{}
	var counts map[events.Partition]readmodel.Counts
	err := store.Snapshot(ctx, func(r readmodel.Reader) error {
		all, err := r.Checkpoints(ctx)
		if err != nil {
			return err
		}
		for _, cp := range all {
			checkpoints[cp.Partition] = cp
		}
		if counts, err = r.Counts(ctx); err != nil {
			return err
		}
		blocked, err := r.BlockedRooms(ctx, maxBlockedRooms)
		for _, d := range blocked {
			status.Blocked = append(status.Blocked, BlockedRoom{
				d.Tenant, d.Room, d.Partition, d.Offset, d.ID, d.Type, string(d.Code), d.Reason, adviceOf(d),
			})
		}
		return err
	})
	if err != nil {
		return status, fmt.Errorf("read the checkpoints: %w", err)
	}
	topic, end, err := findDecisions(ctx, cfg)
	if err != nil {
		return status, err
	}
	for p := range events.Partition(layout.Partitions) {
		st, err := partitionStatus(ctx, cfg, layout, checkpoints[p], p)
		if lost := partition.RecogniseDecisions(checkpoints[p], topic, end); err == nil && lost != nil {
			st.stop(lost.Error())
		}
		if err != nil {
			return status, err
		}
		st.BadRecords, st.DeadLetters, st.BlockedRooms = counts[p].BadRecords, counts[p].DeadLetters, counts[p].BlockedRooms
		status.Partitions = append(status.Partitions, st)
	}
	return status, nil
}

// findDecisions gives the decisions topic's id and end, or none where it is not there.
func findDecisions(ctx context.Context, cfg eventlog.Config) (topic events.LogID, end events.Offset, err error) {
	client, err := eventlog.NewClient(cfg)
	if err != nil {
		return topic, 0, err
	}
	defer client.Close()
	l, err := client.Layout(ctx, decisions.Topic(cfg), 1)
	if errors.Is(err, eventlog.ErrUnknownTopic) {
		return topic, 0, nil
	}
	if err != nil {
		return topic, 0, fmt.Errorf("the decisions topic: %w", err)
	}
	end, err = decisionsEnd(ctx, cfg, l)
	return l.Log, end, err
}

// stop notes why the partition cannot be folded on.
func (s *PartitionStatus) stop(reason string) {
	if s.Gap != "" {
		reason = s.Gap + "; " + reason
	}
	s.Gap = reason
	s.Advice = fmt.Sprintf("rebuild the tables from the log that there is (roomlog projector rebuild), or go on with these (roomlog projector accept-gap --partition %d)", s.Partition)
}

func partitionStatus(ctx context.Context, cfg eventlog.Config, layout eventlog.Layout, cp readmodel.Checkpoint, p events.Partition) (PartitionStatus, error) {
	r := eventlog.NewReader(cfg, layout, p)
	defer r.Close()
	_, end, err := r.Bounds(ctx)
	if err != nil {
		return PartitionStatus{}, fmt.Errorf("partition %d: %w", p, err)
	}
	st := PartitionStatus{
		Partition: p, Owner: cp.Owner, Epoch: cp.Epoch, Next: cp.Next, End: end,
		Lag: int64(max(0, end-cp.Next)), Folded: readmodel.Time(cp.Updated),
	}
	if cp.Epoch > 0 {
		var gap *partition.GapError
		if err := partition.Recognise(ctx, r, layout, cp); errors.As(err, &gap) {
			st.stop(gap.Reason)
			return st, nil
		} else if err != nil {
			return st, fmt.Errorf("partition %d: %w", p, err)
		}
	}
	if st.Lag > 0 {
		if first, ok, err := r.At(ctx, cp.Next); err == nil && ok {
			st.LagSeconds = max(0, time.Since(first.Time).Seconds())
		}
	}
	return st, nil
}
