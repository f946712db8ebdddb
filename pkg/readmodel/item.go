package readmodel

import (
	"encoding/json"
	"fmt"
	"strings"
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
func (t Time) MarshalJSON() ([]byte, error) {
	return time.UnixMilli(int64(t)).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`), nil
}

// UnmarshalJSON reads any RFC 3339 time.
func (t *Time) UnmarshalJSON(b []byte) error {
	var at time.Time
	if err := json.Unmarshal(b, &at); err != nil {
		return err
	}
	*t = Time(at.UnixMilli())
	return nil
}

// RoomCreatedData is the data of a room.created item.
type RoomCreatedData struct {
	Kind     events.RoomKind     `json:"kind"`
	Settings events.RoomSettings `json:"settings"`
	events.RoomContent
}

// MemberChangedData is the data of a member.changed item.
type MemberChangedData struct {
	User       events.UserID     `json:"user"`
	Membership events.Membership `json:"membership"`
	Role       events.Role       `json:"role,omitempty"`
	Until      *Time             `json:"until,omitempty"`
	events.MemberContent
}

// MessagePostedData is the data of a message.posted item.
type MessagePostedData struct {
	Kind       string          `json:"type"`
	ReplyTo    events.EventID  `json:"reply_to,omitempty"`
	ThreadRoot events.EventID  `json:"thread_root,omitempty"`
	Mentions   []events.UserID `json:"mentions,omitempty"`
	events.MessageContent
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

func (r *EventRow) data() (any, error) {
	switch r.Type {
	case events.TypeRoomCreated:
		var f events.RoomCreated
		var d RoomCreatedData
		err := r.unmarshal(&f, &d.RoomContent)
		d.Kind, d.Settings = f.Kind, f.Settings
		return d, err
	case events.TypeMemberChanged:
		var f events.MemberChanged
		var d MemberChangedData
		err := r.unmarshal(&f, &d.MemberContent)
		d.User, d.Membership, d.Role = f.Target, f.Membership, f.Role
		if f.Until != 0 {
			d.Until = (*Time)(&f.Until)
		}
		return d, err
	case events.TypeMessagePosted:
		var f events.MessagePosted
		var d MessagePostedData
		err := r.unmarshal(&f, &d.MessageContent)
		d.Kind, d.ReplyTo, d.ThreadRoot, d.Mentions = f.Kind, f.ReplyTo, f.ThreadRoot, f.Mentions
		return d, err
	}
	return nil, fmt.Errorf("no data for type %q", r.Type)
}

func (r *EventRow) unmarshal(facts, content any) error {
	if err := json.Unmarshal([]byte(r.Facts), facts); err != nil {
		return err
	}
	if strings.HasPrefix(r.Content, `"`) {
		return nil // encrypted, and the key is not here: the event without its content
	}
	return json.Unmarshal([]byte(r.Content), content)
}
