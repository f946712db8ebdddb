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
	// presencePage is how many people are looked up at a time.
	presencePage = 1000
)

// MayType refuses those who are not in the room.
func (s *Service) MayType(ctx context.Context, req Request, id events.RoomID) (events.Vector, error) {
	return s.inRoom(ctx, req, id, func(_ context.Context, m *moment) error { return m.readable() })
}

// People are some of whom it is known whether they are there.
type People interface {
	// After lists up to limit of them, ascending, after one.
	After(u events.UserID, limit int) []events.UserID
	Has(u events.UserID) bool
	// Most is how many they are at most.
	Most() int
}

// Present lists the members of a room among the people, ascending after one.
func (s *Service) Present(ctx context.Context, req Request, id events.RoomID, people People, after events.UserID, limit int) (page Page[events.UserID], at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		if err := m.readable(); err != nil {
			return err
		}
		items, err := m.among(ctx, people, after, limit+1)
		items, page.Next = cut(items, limit, func(last events.UserID) string { return string(last) })
		page.Items = items
		return err
	})
	return page, at, err
}

// among lists up to limit of the people that are members of the room. It goes through
// the people or through those who had to do with the room, where these are fewer
// members, in growing steps.
func (m *moment) among(ctx context.Context, people People, after events.UserID, limit int) (out []events.UserID, err error) {
	look := m.memberPeople
	if m.room.Members < int64(people.Most()) {
		look = m.peopleMembers
	}
	for step := min(limit, presencePage); ; step = min(2*step, presencePage) {
		found, last, n, err := look(ctx, people, after, step)
		if err != nil {
			return nil, err
		}
		after, out = last, append(out, found...)
		switch {
		case len(out) >= limit:
			return out[:limit], nil
		case n < step:
			return out, nil
		}
	}
}

// memberPeople looks at the next n people, peopleMembers at the next n who had to do
// with the room. Both give who is of both, the last looked at, and how many were.
func (m *moment) memberPeople(ctx context.Context, people People, after events.UserID, limit int) (found []events.UserID, last events.UserID, n int, err error) {
	users := people.After(after, limit)
	view, err := m.View(ctx, m.key, room.Needs{Members: users})
	if err != nil {
		return nil, "", 0, err
	}
	for _, u := range users {
		if last = u; view.Members[u].Membership == events.MembershipJoin {
			found = append(found, u)
		}
	}
	return found, last, len(users), nil
}

func (m *moment) peopleMembers(ctx context.Context, people People, after events.UserID, limit int) (found []events.UserID, last events.UserID, n int, err error) {
	members, err := m.Members(ctx, m.key, after, limit)
	for _, member := range members {
		if last = member.User; member.Membership == events.MembershipJoin && people.Has(last) {
			found = append(found, last)
		}
	}
	return found, last, len(members), err
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
