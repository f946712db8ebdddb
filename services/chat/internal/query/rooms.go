package query

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Room is a room and whether the reader sees all of it or only that it exists.
type Room struct {
	readmodel.RoomRow
	Full bool
}

// Room reads one room.
func (s *Service) Room(ctx context.Context, req Request, id events.RoomID) (out Room, at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(_ context.Context, m *moment) error {
		out = m.Standing.Room()
		return m.See()
	})
	return out, at, err
}

// Rooms lists the rooms of the reader, the one with the latest event first.
func (s *Service) Rooms(ctx context.Context, req Request, after string, limit int) (page Page[readmodel.UserRoom], at events.Vector, err error) {
	cursor, err := parseRoomCursor(after)
	if err != nil {
		return page, at, err
	}
	err = s.attempt(ctx, req, func(ctx context.Context) error {
		for p, next := range req.Position.All {
			if err := s.follower.WaitFolded(ctx, p, next); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context, r readmodel.Reader) error {
		page = Page[readmodel.UserRoom]{}
		if err := s.reached(ctx, r, req.Position); err != nil {
			return err
		}
		rows, err := r.RoomsOf(ctx, req.Who.Tenant, req.Who.User, false, cursor, limit+1)
		if err != nil {
			return err
		}
		page.Items, page.Next = cut(rows, limit, func(last readmodel.UserRoom) string {
			return roomCursor(readmodel.RoomCursor{LogTime: last.LogTime, Room: last.Room})
		})
		return nil
	})
	return page, s.gate.Trim(req.Position), err
}

// reached says errBehind where a partition is not where the position asks for.
func (s *Service) reached(ctx context.Context, r readmodel.Reader, v events.Vector) error {
	for p, next := range v.All {
		c, ok, err := r.Checkpoint(ctx, p)
		if err != nil {
			return err
		}
		if !ok || c.Log != s.log || c.Next < next {
			return errBehind
		}
	}
	return nil
}

// Members lists everyone who has or had to do with the room.
func (s *Service) Members(ctx context.Context, req Request, id events.RoomID, after events.UserID, limit int) (page Page[room.Member], at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		if err := m.readable(); err != nil {
			return err
		}
		rows, err := m.Members(ctx, m.key, after, limit+1)
		if err != nil {
			return err
		}
		for i := range rows {
			rows[i] = rows[i].At(s.now().UnixMilli())
		}
		page = Page[room.Member]{}
		page.Items, page.Next = cut(rows, limit, func(last room.Member) string { return string(last.User) })
		return nil
	})
	return page, at, err
}

// Member reads one person's standing.
func (s *Service) Member(ctx context.Context, req Request, id events.RoomID, user events.UserID) (out room.Member, at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		if err := m.SeeMember(user); err != nil {
			return err
		}
		row, ok, err := m.Reader.Member(ctx, m.key, user)
		if err == nil && !ok {
			err = problem.New(problem.MemberNotFound, "the user never had to do with the room")
		}
		out = row.At(s.now().UnixMilli())
		return err
	})
	return out, at, err
}

// cut takes the one row too many off a list: where it is there, there is a next
// page.
func cut[T any](rows []T, limit int, cursor func(last T) string) ([]T, *string) {
	if len(rows) <= limit {
		return rows, nil
	}
	rows = rows[:limit]
	c := cursor(rows[limit-1])
	return rows, &c
}

func roomCursor(c readmodel.RoomCursor) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(c.LogTime, 10) + "/" + string(c.Room)))
}

func parseRoomCursor(s string) (c readmodel.RoomCursor, err error) {
	if s == "" {
		return c, nil
	}
	bad := problem.In(problem.InvalidCursor, "after", "this is not a cursor: send back what `next` was")
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return c, bad
	}
	at, id, ok := strings.Cut(string(b), "/")
	if !ok {
		return c, bad
	}
	if c.LogTime, err = strconv.ParseInt(at, 10, 64); err != nil {
		return c, bad
	}
	if c.Room, err = events.ParseRoomID(id); err != nil {
		return c, bad
	}
	return c, nil
}
