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

// maxBlockedRooms is the most rooms that a status lists.
const maxBlockedRooms = 100

// Installation is a log and the versions of the projection that are folded from it.
type Installation struct {
	Log     eventlog.Config
	Layout  eventlog.Layout
	Control readmodel.Control
	// Open opens the tables of one version, with that many connections.
	Open func(ctx context.Context, version, conns int) (readmodel.Store, error)
}

// Status is how far the projection is.
type Status struct {
	Time     readmodel.Time  `json:"time"` // when it was looked at
	Log      string          `json:"log"`
	Versions []VersionStatus `json:"versions"`
	// Partitions and Blocked are of the live version.
	Partitions []PartitionStatus `json:"partitions"`
	// Blocked lists the first blocked rooms, each with the event that blocks it.
	Blocked []BlockedRoom `json:"blocked_rooms"`
}

// VersionStatus is how far one version of the projection is.
type VersionStatus struct {
	Version int                       `json:"version"`
	State   readmodel.ProjectionState `json:"state"`
	Created readmodel.Time            `json:"created_at"`
	Live    *readmodel.Time           `json:"live_at"` // when it went live last
	Folded  int64                     `json:"folded"`  // records, in all partitions
	Records int64                     `json:"records"` // that the log has
	partition.Pace
	readmodel.Counts
	// Stopped says for each partition that cannot be folded on why.
	Stopped []string `json:"stopped"`
}

// PartitionStatus is how far one partition is folded.
type PartitionStatus struct {
	Partition events.Partition `json:"partition"`
	Owner     string           `json:"owner,omitempty"` // who claimed it last
	Epoch     int64            `json:"epoch"`
	Next      events.Offset    `json:"next"`
	End       events.Offset    `json:"end"`
	partition.Pace
	Folded readmodel.Time `json:"folded_at"`
	readmodel.Counts
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
	Type      string           `json:"type"`
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

// ReadStatus compares the checkpoints with the log.
func ReadStatus(ctx context.Context, in Installation) (Status, error) {
	status := Status{Time: readmodel.Time(time.Now().UnixMilli()), Log: in.Layout.Log.String(), Blocked: []BlockedRoom{}}
	all, err := in.Control.Projections(ctx)
	if err != nil {
		return status, fmt.Errorf("read the versions: %w", err)
	}
	var versions []*versionTables
	for _, p := range all {
		v, err := in.read(ctx, p)
		switch {
		case errors.Is(err, readmodel.ErrNoProjection) && p.State != readmodel.Live:
			continue // it was dropped meanwhile
		case err != nil:
			return status, fmt.Errorf("read version %d: %w", p.Version, err)
		}
		versions = append(versions, v)
	}
	topic, end, err := findDecisions(ctx, in.Log)
	if err != nil {
		return status, err
	}
	for p := range events.Partition(in.Layout.Partitions) {
		err := in.look(ctx, p, func(r *eventlog.Reader, logEnd events.Offset) error {
			for _, v := range versions {
				if err := v.look(ctx, r, in.Layout, logEnd, topic, end); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return status, fmt.Errorf("partition %d: %w", p, err)
		}
	}
	for _, v := range versions {
		status.Versions = append(status.Versions, v.status)
		if v.status.State == readmodel.Live {
			status.Partitions = v.partitions
			for _, d := range v.blocked {
				status.Blocked = append(status.Blocked, BlockedRoom{
					d.Tenant, d.Room, d.Partition, d.Offset, d.ID, d.Type, string(d.Code), d.Reason, adviceOf(d),
				})
			}
		}
	}
	return status, nil
}

func (in Installation) look(ctx context.Context, p events.Partition, at func(*eventlog.Reader, events.Offset) error) error {
	r := eventlog.NewReader(in.Log, in.Layout, p)
	defer r.Close()
	_, end, err := r.Bounds(ctx)
	if err != nil {
		return err
	}
	return at(r, end)
}

// Since completes the rates of a status with an earlier one.
func (s *Status) Since(earlier Status) {
	took := time.Duration(s.Time-earlier.Time) * time.Millisecond
	for i := range s.Versions {
		v := &s.Versions[i]
		for _, was := range earlier.Versions {
			if was.Version == v.Version {
				v.Pace.Since(was.Pace, v.Folded-was.Folded, took)
			}
		}
	}
	for i := range s.Partitions {
		if i < len(earlier.Partitions) {
			p, was := &s.Partitions[i], earlier.Partitions[i]
			p.Pace.Since(was.Pace, int64(p.Next-was.Next), took)
		}
	}
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
