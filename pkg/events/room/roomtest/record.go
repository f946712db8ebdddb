package roomtest

import (
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// Epoch is the log's time at which histories begin.
var Epoch = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

// Record is a record as the log holds it.
type Record struct {
	Message events.Message
	// LogTime is when the log appended it, in whole milliseconds.
	LogTime time.Time
}

// Key names a room.
type Key struct {
	Tenant events.Tenant
	Room   events.RoomID
}

// Messages gives the records without their times, for a log that sets its own.
func Messages(records []Record) []events.Message {
	out := make([]events.Message, len(records))
	for i, r := range records {
		out[i] = r.Message
	}
	return out
}
