package query

import (
	"context"

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
	// presenceLooks is among how many people, so many times a page, those of one page
	// are looked for.
	presenceLooks = 10
)

// MayType refuses those who are not in the room.
func (s *Service) MayType(ctx context.Context, req Request, id events.RoomID) (events.Vector, error) {
	return s.inRoom(ctx, req, id, func(_ context.Context, m *moment) error { return m.readable() })
}

// Present lists the members of a room among the people that known lists, ascending
// after one. A page that is not the last may be short, or empty.
func (s *Service) Present(ctx context.Context, req Request, id events.RoomID, after events.UserID, limit int, known func(events.Tenant, events.UserID, int) []events.UserID) (page Page[events.UserID], at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		if err := m.readable(); err != nil {
			return err
		}
		page = Page[events.UserID]{Items: []events.UserID{}}
		for range presenceLooks {
			users := known(m.key.Tenant, after, limit)
			view, err := m.View(ctx, m.key, room.Needs{Members: users})
			if err != nil {
				return err
			}
			for _, u := range users {
				if after = u; view.Members[u].Membership == events.MembershipJoin {
					page.Items = append(page.Items, u)
				}
				if len(page.Items) == limit {
					break
				}
			}
			if len(users) < limit && (len(page.Items) < limit || after == users[len(users)-1]) {
				return nil
			}
			if len(page.Items) == limit {
				break
			}
		}
		next := string(after)
		page.Next = &next
		return nil
	})
	return page, at, err
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
