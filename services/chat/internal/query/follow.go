package query

import (
	"context"
	"errors"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/live"
)

// streamPage is how many events a stream reads at a time.
const streamPage = 100

// Follow lets a reader into a room's stream of events.
func (s *Service) Follow(ctx context.Context, req Request, id events.RoomID, types []events.Type) (t *live.RoomTrack, at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		sight, err := m.Visibility(ctx, m.Reader)
		t = &live.RoomTrack{User: req.Who.User, Horizon: m.room.Seq, Sight: sight, Wanted: wanted(types)}
		return err
	})
	if err != nil {
		return nil, at, err
	}
	key := readmodel.Key{Tenant: req.Who.Tenant, Room: id}
	types = withEnds(types)
	t.Read = func(ctx context.Context, after events.Seq) (page live.Page, err error) {
		err = s.snapshot(ctx, func(ctx context.Context, r readmodel.Reader) error {
			page, err = roomPage(ctx, r, key, req.Who.User, after, types)
			return err
		})
		return page, err
	}
	return t, at, nil
}

// roomPage reads the next events of a room's stream. To someone who is no longer a
// member it gives what they could read as one: the stream ends at the event that
// ended the membership, and what comes after it is not shown.
func roomPage(ctx context.Context, r readmodel.Reader, key readmodel.Key, who events.UserID, after events.Seq, types []events.Type) (page live.Page, err error) {
	row, ok, err := r.Room(ctx, key)
	if err != nil {
		return page, err
	}
	if !ok {
		return page, errors.New("the room of a stream is not in the read model")
	}
	member, _, err := r.Member(ctx, key, who)
	if err != nil {
		return page, err
	}
	member.User = who
	page.Member = member.Membership == events.MembershipJoin && !row.Deleted
	v, err := VisibilityOf(ctx, r, &row.Header, member)
	if err != nil {
		return page, err
	}
	stretch, err := v.Stretch(ctx, r, key, after, row.Seq, types, streamPage)
	if err != nil {
		return page, err
	}
	page.Cursor, page.More = stretch.Cursor, stretch.More
	page.Frames, err = frames(stretch.Rows)
	return page, err
}

func frames(rows []readmodel.EventRow) (out []*live.Frame, err error) {
	out = make([]*live.Frame, len(rows))
	for i := range rows {
		if out[i], err = live.NewFrame(&rows[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ends are the types of the events that take a room away from someone.
var ends = []events.Type{events.TypeMemberChanged, events.TypeRoomDeleted}

// withEnds adds what ends a stream to the types asked for: it comes whatever these
// are. No types: all.
func withEnds(types []events.Type) []events.Type {
	if len(types) == 0 {
		return nil
	}
	types = slices.Clone(types)
	for _, t := range ends {
		if !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	return types
}

// wanted tells which types were asked for; nil: all.
func wanted(types []events.Type) func(events.Type) bool {
	if len(types) == 0 {
		return nil
	}
	return func(t events.Type) bool { return slices.Contains(types, t) }
}
