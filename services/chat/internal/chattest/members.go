package chattest

import (
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// Join appends the joins of people to the log, in order.
func (w *World) Join(room events.RoomID, users ...string) {
	w.T.Helper()
	for _, u := range users {
		m, err := events.Encode(&events.Event{
			ID: events.EventID(u + "-joins"), Type: events.TypeMemberChanged, Tenant: events.DefaultTenant, Room: room,
			Time: w.Now(), Expires: w.Now().Add(time.Hour),
			Facts: events.MemberChanged{
				Command: events.Command{Sender: events.UserID(u)}, Target: events.UserID(u), Membership: events.MembershipJoin,
			},
		})
		if err != nil {
			w.T.Fatal(err)
		}
		w.Log.Append(m, w.Now())
	}
}
