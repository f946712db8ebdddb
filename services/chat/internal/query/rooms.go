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
	// With is the other person of a direct room.
	With events.UserID
}

// Room reads one room.
func (s *Service) Room(ctx context.Context, req Request, id events.RoomID) (out Room, at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) (err error) {
		if err := m.See(); err != nil {
			return err
		}
		out, err = m.Standing.Room(ctx, m.Reader)
		return err
	})
	return out, at, err
}

// Latest reads a room as it is at the end of the log, as of the call: what a
// command is about to change.
func (s *Service) Latest(ctx context.Context, req Request, id events.RoomID) (Room, error) {
	p := s.gate.PartitionOf(req.Who.Tenant, id)
	end, ok := s.endOf(ctx, p)
	if !ok {
		return Room{}, problem.New(problem.LogUnavailable, "the log does not answer now: nothing was written")
	}
	req.Position = s.gate.Join(req.Position, p, end)
	out, _, err := s.Room(ctx, req, id)
	return out, err
}

// UserRoom is a room as one of the reader's.
type UserRoom struct {
	readmodel.UserRoom
	// Last is the room's last message; nil where there is none that the reader may
	// read.
	Last *Message
	// With is the other person of a direct room.
	With events.UserID
}

// Preferences are how the reader wants the room shown.
func (r *UserRoom) Preferences() Preferences { return preferencesOf(&r.Header, r.Member) }

// RoomsQuery is the place of a page of rooms.
type RoomsQuery struct {
	After    string // a cursor
	Archived bool   // those that the reader has archived, in the place of the others
	Limit    int
}

// Rooms lists the rooms of the reader, the one with the latest event first. The
// position is where a stream of all of them goes on from what the list shows.
func (s *Service) Rooms(ctx context.Context, req Request, q RoomsQuery) (page Page[UserRoom], at events.Vector, err error) {
	cursor, err := parseRoomCursor(q.After)
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
		page = Page[UserRoom]{}
		if err := s.reached(ctx, r, req.Position); err != nil {
			return err
		}
		rows, err := r.RoomsOf(ctx, req.Who.Tenant, req.Who.User, q.Archived, cursor, q.Limit+1)
		if err != nil {
			return err
		}
		if at, err = s.upTo(ctx, r, req.Who); err != nil {
			return err
		}
		rows, page.Next = cut(rows, q.Limit, func(last readmodel.UserRoom) string {
			return roomCursor(readmodel.RoomCursor{LogTime: last.LogTime, Room: last.Room})
		})
		page.Items = make([]UserRoom, len(rows))
		for i := range rows {
			if page.Items[i], err = userRoom(ctx, r, rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return page, at, err
}

// userRoom shows a row of the list as the reader sees it. It reads no more for
// most: where the last message is from before their time, has reactions or other
// people's direct rooms.
func userRoom(ctx context.Context, r readmodel.Reader, row readmodel.UserRoom) (out UserRoom, err error) {
	out.UserRoom = row
	if row.Member.Membership != events.MembershipJoin {
		return out, nil
	}
	if out.With, err = peer(ctx, r, &row.Header, row.Member.User); err != nil {
		return out, err
	}
	if row.Last.Seq == 0 {
		return out, nil
	}
	v := sinceJoin(row.Member)
	if !v.Contains(row.Last.Seq) {
		if v, err = VisibilityOf(ctx, r, &row.Header, row.Member); err != nil || !v.Contains(row.Last.Seq) {
			return out, err
		}
	}
	shown, err := Present(ctx, r, v, row.Last)
	if err == nil {
		out.Last = &shown[0]
	}
	return out, err
}

// peer gives the other person of a direct room.
func peer(ctx context.Context, r readmodel.Reader, h *room.Header, who events.UserID) (events.UserID, error) {
	if h.Kind != events.RoomDirect {
		return "", nil
	}
	if h.Creator != who {
		return h.Creator, nil
	}
	both, err := r.Members(ctx, readmodel.Key{Tenant: h.Tenant, Room: h.Room}, "", 2)
	for _, m := range both {
		if m.User != who {
			return m.User, err
		}
	}
	return "", err
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
	if c.Room, err = events.ParseRoomID(id); err != nil || roomCursor(c) != s {
		return c, bad
	}
	return c, nil
}
