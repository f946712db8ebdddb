package rebuild

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

// filling is the nth event of a room: its creation, a few who join, then messages,
// some of them by people who are not there.
func filling(nth, inRoom int) *events.Event {
	e := &events.Event{
		ID:     events.EventID(fmt.Sprintf("fill-%d-%d", inRoom, nth)),
		Tenant: events.DefaultTenant, Room: events.RoomID(fmt.Sprintf("fill-%d", inRoom)),
		Time: time.Date(2026, 1, 2, 3, 4, nth, 0, time.UTC), Content: json.RawMessage(`{}`),
	}
	user := events.UserID(fmt.Sprintf("user-%d", nth%11))
	by := events.Command{Sender: user}
	switch {
	case nth == 0:
		e.Type, e.Facts = events.TypeRoomCreated, events.RoomCreated{Command: by, Kind: events.RoomPublic, Rules: room.Rules}
	case nth < 10:
		e.Type, e.Facts = events.TypeMemberChanged, events.MemberChanged{Command: by, Target: user, Membership: events.MembershipJoin}
	default:
		text := fmt.Sprintf("message %d, which is about as long as what people write", nth)
		e.Type, e.Facts = events.TypeMessagePosted, events.MessagePosted{Command: by, Kind: "text", TextBytes: len(text)}
		e.Content = json.RawMessage(`{"text":"` + text + `"}`)
	}
	return e
}
