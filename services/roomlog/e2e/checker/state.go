package checker

import (
	"github.com/roomlog/roomlog/pkg/events"
)

// State is what was read, by room, after all that the history holds was folded.
type State map[events.RoomID]*Room

// Room is a room as its different views show it.
type Room struct {
	// Events is the replay from the first event on.
	Events []Event
	// Messages are its pages of messages, read forwards; Backwards the same read
	// from the newest page on, in ascending order.
	Messages, Backwards []Posted
	// Exported is what the export wrote; nil where it was not asked for.
	Exported []Event
}

// Event is an accepted event.
type Event struct {
	Seq    events.Seq
	Type   events.Type
	ID     events.EventID
	Sender events.UserID
	// Text is that of a message.
	Text string
	// Rest is all else that the view shows, written canonically.
	Rest string
}

// Posted is a message.
type Posted struct {
	Seq    events.Seq
	ID     events.EventID
	Sender events.UserID
	Text   string
}

// Room gives the room, made where it is not there.
func (s State) Room(id events.RoomID) *Room {
	if s[id] == nil {
		s[id] = &Room{}
	}
	return s[id]
}
