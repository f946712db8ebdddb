package readmodel

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// Item is an accepted event as clients see it: in pages, streams and exports.
type Item struct {
	Seq    events.Seq     `json:"seq"`
	Type   events.Type    `json:"type"`
	ID     events.EventID `json:"event_id"`
	Room   events.RoomID  `json:"room"`
	Sender events.UserID  `json:"sender"`
	Time   Time           `json:"time"`
	Data   any            `json:"data"`
}

// Time is Unix milliseconds, written as RFC 3339 in UTC with milliseconds.
type Time int64

// MarshalJSON writes "2026-01-02T15:04:05.000Z".
func (t Time) MarshalJSON() ([]byte, error) { return t.Append(nil), nil }

// Append appends what [Time.MarshalJSON] writes.
func (t Time) Append(b []byte) []byte {
	return append(events.AppendTime(append(b, '"'), time.UnixMilli(int64(t))), '"')
}

// UnmarshalJSON reads any RFC 3339 time that in UTC still is one: of the years 1 to
// 9999.
func (t *Time) UnmarshalJSON(b []byte) error {
	var at time.Time
	if err := json.Unmarshal(b, &at); err != nil {
		return err
	}
	if y := at.UTC().Year(); y < 1 || y > 9999 {
		return fmt.Errorf("the time is in the year %d", y)
	}
	*t = Time(at.UnixMilli())
	return nil
}

// Item gives the event as clients see it. An error says that the row does not
// hold what the codec wrote.
func (r *EventRow) Item() (Item, error) {
	data, err := r.data()
	if err != nil {
		return Item{}, fmt.Errorf("event %s of %s/%s: %w", r.ID, r.Tenant, r.Room, err)
	}
	return Item{Seq: r.Seq, Type: r.Type, ID: r.ID, Room: r.Room, Sender: r.Sender, Time: Time(r.SentAt), Data: data}, nil
}
