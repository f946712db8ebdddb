package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/position"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// ListRooms lists the caller's rooms.
func (s *Server) ListRooms(c echo.Context, p api.ListRoomsParams) error {
	req, err := s.readRequest(c, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	q := query.RoomsQuery{After: p.After, Archived: p.Archived != nil && *p.Archived}
	if q.Limit, err = pageLimit(p.Limit); err != nil {
		return err
	}
	page, at, err := s.Reads.Rooms(c.Request().Context(), req, q)
	if err != nil {
		return err
	}
	items, err := encodeAll(page.Items, encodeUserRoom)
	if err != nil {
		return err
	}
	return answerTagged(c, at, api.UserRoomPage{Items: items, Next: page.Next, Prev: page.Prev})
}

// answerTagged is answer with an ETag of the body: a client that has it already
// gets 304.
func answerTagged(c echo.Context, at events.Vector, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	sum := sha256.Sum256(b)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	h := c.Response().Header()
	h.Set(position.Header, at.Token())
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	if matches(c.Request().Header.Values("If-None-Match"), tag) {
		return c.NoContent(http.StatusNotModified)
	}
	return write(c, http.StatusOK, echo.MIMEApplicationJSON, b)
}

// matches compares weakly (RFC 9110, 13.1.2).
func matches(ifNoneMatch []string, tag string) bool {
	for _, line := range ifNoneMatch {
		for t := range strings.SplitSeq(line, ",") {
			if t = strings.TrimSpace(t); t == "*" || strings.TrimPrefix(t, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// GetRoom gives one room.
func (s *Server) GetRoom(c echo.Context, roomName api.RoomID, p api.GetRoomParams) error {
	req, id, err := s.beginRead(c, roomName, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	r, at, err := s.Reads.Room(c.Request().Context(), req, id)
	if err != nil {
		return err
	}
	setRoomETag(c, r)
	return answer(c, at, encodeRoom(r))
}

// ListMembers lists a room's members.
func (s *Server) ListMembers(c echo.Context, roomName api.RoomID, p api.ListMembersParams) error {
	req, id, err := s.beginRead(c, roomName, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	limit, err := pageLimit(p.Limit)
	if err != nil {
		return err
	}
	after, err := memberCursor(p.After)
	if err != nil {
		return err
	}
	page, at, err := s.Reads.Members(c.Request().Context(), req, id, after, limit)
	if err != nil {
		return err
	}
	items, err := encodeAll(page.Items, encodeMember)
	if err != nil {
		return err
	}
	return answer(c, at, api.MemberPage{Items: items, Next: page.Next, Prev: page.Prev})
}

// memberCursor reads the place of a page of people; empty: its beginning.
func memberCursor(after string) (events.UserID, error) {
	if after == "" {
		return "", nil
	}
	u, err := events.ParseUserID(after)
	if err != nil {
		return "", problem.In(problem.InvalidCursor, "after", "this is not a cursor: send back what `next` was")
	}
	return u, nil
}

// GetMember gives one person's standing.
func (s *Server) GetMember(c echo.Context, roomName api.RoomID, user api.ID, p api.GetMemberParams) error {
	req, id, err := s.beginRead(c, roomName, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	u, err := userID(user)
	if err != nil {
		return err
	}
	m, at, err := s.Reads.Member(c.Request().Context(), req, id, u)
	if err != nil {
		return err
	}
	out, err := encodeMember(&m)
	if err != nil {
		return err
	}
	return answer(c, at, out)
}
