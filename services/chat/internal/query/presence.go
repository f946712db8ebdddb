package query

import (
	"context"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
)

const (
	// presenceRooms is how many of someone's rooms are told that they come and go,
	// presenceMembers how large these may be.
	presenceRooms   = 100
	presenceMembers = 1000
	// presencePage is how many people are looked up at a time.
	presencePage = 1000
)

// MayType refuses those who are not in the room.
func (s *Service) MayType(ctx context.Context, req Request, id events.RoomID) (events.Vector, error) {
	return s.inRoom(ctx, req, id, func(_ context.Context, m *moment) error { return m.readable() })
}

// Present lists the members of a room among the users, who ascend.
func (s *Service) Present(ctx context.Context, req Request, id events.RoomID, users []events.UserID, limit int) (page Page[events.UserID], at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		if err := m.readable(); err != nil {
			return err
		}
		items, err := m.among(ctx, users, limit+1)
		items, page.Next = cut(items, limit, func(last events.UserID) string { return string(last) })
		page.Items = items
		return err
	})
	return page, at, err
}

// among lists up to limit of the users, who ascend, that are members of the room. It
// looks at all users or at all who had to do with the room, which are fewer members.
func (m *moment) among(ctx context.Context, users []events.UserID, limit int) (out []events.UserID, err error) {
	if m.room.Members < int64(len(users)) {
		return m.amongMembers(ctx, users, limit)
	}
	for some := range slices.Chunk(users, presencePage) {
		view, err := m.View(ctx, m.key, room.Needs{Members: some})
		if err != nil {
			return nil, err
		}
		for _, u := range some {
			if view.Members[u].Membership == events.MembershipJoin {
				out = append(out, u)
			}
		}
		if len(out) >= limit {
			return out[:limit], nil
		}
	}
	return out, nil
}

func (m *moment) amongMembers(ctx context.Context, users []events.UserID, limit int) (out []events.UserID, err error) {
	for after := events.UserID(""); ; {
		members, err := m.Members(ctx, m.key, after, presencePage)
		if err != nil {
			return nil, err
		}
		for _, member := range members {
			after = member.User
			if _, wanted := slices.BinarySearch(users, after); wanted && member.Membership == events.MembershipJoin {
				out = append(out, after)
			}
		}
		switch {
		case len(out) >= limit:
			return out[:limit], nil
		case len(members) < presencePage:
			return out, nil
		}
	}
}

// PresenceRooms gives those of someone's rooms where it is told that they come and go.
func (s *Service) PresenceRooms(ctx context.Context, who auth.Account) (rooms []events.RoomID, err error) {
	err = s.snapshot(ctx, func(ctx context.Context, r readmodel.Reader) error {
		heads, err := r.Heads(ctx, who.Tenant, who.User)
		if err != nil {
			return err
		}
		rooms = nil
		for _, h := range heads {
			if h.Membership == events.MembershipJoin && !h.Deleted && h.Members <= presenceMembers && len(rooms) < presenceRooms {
				rooms = append(rooms, h.Room)
			}
		}
		return nil
	})
	return rooms, err
}
