package chattest

import (
	"context"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Join appends the joins of people to the log, in order.
func (w *World) Join(id events.RoomID, users ...string) {
	w.T.Helper()
	for _, u := range users {
		m, err := events.Encode(&events.Event{
			ID: events.EventID(u + "-joins"), Type: events.TypeMemberChanged, Tenant: events.DefaultTenant, Room: id,
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

// Fill makes people members of a room in the tables, at once and without the log, as
// if its first event had. The room must be folded.
func (w *World) Fill(id events.RoomID, users ...string) {
	w.T.Helper()
	const batch = 10_000
	key, p := readmodel.Key{Tenant: events.DefaultTenant, Room: id}, w.PartitionOf(id)
	for from := 0; from < len(users); from += batch {
		if err := w.fill(key, p, users[from:min(from+batch, len(users))]); err != nil {
			w.T.Fatal(err)
		}
	}
}

func (w *World) fill(key readmodel.Key, p events.Partition, users []string) error {
	ctx := w.T.Context()
	var at readmodel.Checkpoint
	err := w.Store.Snapshot(ctx, func(r readmodel.Reader) (err error) {
		at, _, err = r.Checkpoint(ctx, p)
		return err
	})
	if err != nil {
		return err
	}
	fence := readmodel.Fence{
		Partition: p, Epoch: at.Epoch, Floor: at.Next, Next: at.Next, Last: at.Last, LastID: at.LastID, Now: w.Now().UnixMilli(),
	}
	return w.Store.Fold(context.WithoutCancel(ctx), fence, readmodel.Needs{key: {Header: true}}, func(in readmodel.Rows) (b readmodel.Batch, err error) {
		h := *in.Views[key].Header
		h.Members += int64(len(users))
		b.Headers = []*room.Header{&h}
		for _, u := range users {
			m := room.Member{User: events.UserID(u), Membership: events.MembershipJoin, Role: events.RoleMember, Since: 1, Read: 1, Delivered: 1}
			b.Members = append(b.Members, readmodel.MemberRow{Key: key, Member: m})
		}
		return b, nil
	})
}
