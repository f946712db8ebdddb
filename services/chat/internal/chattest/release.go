package chattest

import (
	"context"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// parkedMax is more than a test parks.
const parkedMax = 1000

// Release has the projector fold the parked events of a room, as on an operator's
// decision.
func (w *World) Release(r events.RoomID) {
	w.mu.Lock()
	w.released = append(w.released, r)
	w.mu.Unlock()
	w.Log.wake()
}

// releaseAll carries out the decisions about rooms of a partition.
func (w *World) releaseAll(ctx context.Context, c *readmodel.Checkpoint) error {
	w.mu.Lock()
	var rooms, later []events.RoomID
	for _, r := range w.released {
		if w.PartitionOf(r) == c.Partition {
			rooms = append(rooms, r)
		} else {
			later = append(later, r)
		}
	}
	w.released = later
	w.mu.Unlock()
	for _, r := range rooms {
		if err := w.releaseOne(ctx, c, readmodel.Key{Tenant: events.DefaultTenant, Room: r}); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) releaseOne(ctx context.Context, c *readmodel.Checkpoint, key readmodel.Key) error {
	var letters []readmodel.DeadLetter
	err := w.Store.Store.Snapshot(ctx, func(r readmodel.Reader) (err error) {
		letters, err = r.Parked(ctx, key, parkedMax)
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range letters {
		fence := readmodel.Fence{
			Partition: c.Partition, Epoch: c.Epoch, Floor: c.Next, Next: c.Next, Last: c.Last, LastID: c.LastID, Now: w.Now().UnixMilli(),
			Decisions: c.Decisions + 1, DecisionsLog: decisionsLog,
		}
		r := Record{Message: d.Message, Partition: d.Partition, Offset: d.Offset, Time: time.UnixMilli(d.LogTime)}
		if err := w.foldOne(ctx, c, fence, r, true); err != nil {
			return err
		}
	}
	return nil
}

var decisionsLog = events.LogID{7}
