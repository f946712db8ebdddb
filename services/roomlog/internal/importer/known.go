package importer

import (
	"context"
	"fmt"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

// scanLimit is how many records are read at a time.
const scanLimit = 5000

// Known is what the log has of a room already.
type Known struct {
	// Digests has the digest of each event's command, by event id: of the first
	// one in the log.
	Digests map[events.EventID]string
	// Created is the event that creates the room, nil where there is none.
	Created *events.RoomCreated
}

// Scan reads the room's partition from its beginning to its present end and
// keeps what is the room's. Progress, where not nil, is told how many records
// have been read, and how many there are.
func Scan(ctx context.Context, r *eventlog.Reader, room Room, progress func(done, total int64)) (Known, error) {
	known := Known{Digests: map[events.EventID]string{}}
	start, end, err := r.Bounds(ctx)
	if err != nil {
		return known, err
	}
	last, any, err := r.Before(ctx, end)
	if err != nil || !any {
		return known, err
	}
	key := events.Key(room.Tenant, room.ID)
	for r.Seek(start); r.Next() <= last.Offset; {
		records, err := r.Read(ctx, scanLimit)
		if err != nil {
			return known, err
		}
		for _, rec := range records {
			if string(rec.Key) == key {
				known.note(rec)
			}
		}
		if progress != nil {
			progress(int64(min(r.Next(), end)-start), int64(end-start))
		}
	}
	return known, nil
}

// note keeps an event; what is none is the projector's to count.
func (k *Known) note(rec eventlog.Record) {
	e, err := events.Decode(rec.Message)
	if err != nil || e.Facts == nil {
		return
	}
	expired := !e.Expires.IsZero() && rec.Time.After(e.Expires) // it created nothing
	if created, ok := e.Facts.(events.RoomCreated); ok && k.Created == nil && !expired {
		k.Created = &created
	}
	if _, again := k.Digests[e.ID]; !again {
		k.Digests[e.ID] = e.Facts.By().Digest
	}
}

// usable reports whether people can join the room by themselves.
func (k *Known) usable(room Room) error {
	if k.Created != nil && k.Created.Kind != events.RoomPublic {
		return fmt.Errorf("room %s is there and is %s: those who spoke could not join it; import into another room", room.ID, k.Created.Kind)
	}
	return nil
}
