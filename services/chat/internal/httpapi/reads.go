package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/position"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// answer writes what a read found.
func answer(c echo.Context, at events.Vector, body any) error {
	c.Response().Header().Set(position.Header, at.Token())
	return writeJSON(c, http.StatusOK, echo.MIMEApplicationJSON, body)
}

// beginRead reads what all reads of a room have in common.
func (s *Server) beginRead(c echo.Context, roomName, token, prefer string) (query.Request, events.RoomID, error) {
	id, err := roomID(roomName)
	if err != nil {
		return query.Request{}, id, err
	}
	req, err := s.readRequest(c, token, prefer)
	return req, id, err
}

// ListRooms lists the caller's rooms.
func (s *Server) ListRooms(c echo.Context, p api.ListRoomsParams) error {
	req, err := s.readRequest(c, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	limit, err := pageLimit(p.Limit)
	if err != nil {
		return err
	}
	after, err := optional(p.After, "after")
	if err != nil {
		return err
	}
	page, at, err := s.Reads.Rooms(c.Request().Context(), req, after, limit)
	if err != nil {
		return err
	}
	items, err := encodeAll(page.Items, encodeUserRoom)
	if err != nil {
		return err
	}
	return answer(c, at, api.UserRoomPage{Items: items, Next: page.Next, Prev: page.Prev})
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
	after, err := optional(p.After, "after")
	if err != nil {
		return err
	}
	if _, err := events.ParseUserID(after); after != "" && err != nil {
		return problem.In(problem.InvalidCursor, "after", "this is not a cursor: send back what `next` was")
	}
	page, at, err := s.Reads.Members(c.Request().Context(), req, id, events.UserID(after), limit)
	if err != nil {
		return err
	}
	items, err := encodeAll(page.Items, func(m *room.Member) (api.Member, error) { return encodeMember(*m), nil })
	if err != nil {
		return err
	}
	return answer(c, at, api.MemberPage{Items: items, Next: page.Next, Prev: page.Prev})
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
	return answer(c, at, encodeMember(m))
}

// ListMessages gives a page of messages.
func (s *Server) ListMessages(c echo.Context, roomName api.RoomID, p api.ListMessagesParams) error {
	req, id, err := s.beginRead(c, roomName, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	q, err := messagesQuery(p)
	if err != nil {
		return err
	}
	page, at, err := s.Reads.Messages(c.Request().Context(), req, id, q)
	if err != nil {
		return err
	}
	items, err := encodeAll(page.Items, func(m *readmodel.MessageRow) (api.Message, error) { return encodeMessage(&m.EventRow) })
	if err != nil {
		return err
	}
	return answer(c, at, api.MessagePage{Items: items, Next: page.Next, Prev: page.Prev})
}

// messagesQuery reads the place of a page: at most one of four.
func messagesQuery(p api.ListMessagesParams) (q query.MessagesQuery, err error) {
	if q.Limit, err = pageLimit(p.Limit); err != nil {
		return q, err
	}
	given := 0
	seq := func(name string, v *int64, d query.Direction, least int64) {
		if v == nil {
			return
		}
		if *v < least || *v > maxSeq {
			err = invalidSeq(name, least)
		}
		given++
		q.Direction, q.Seq = d, events.Seq(*v)
	}
	seq("before", p.Before, query.Before, 1)
	seq("after", p.After, query.After, 0)
	seq("around", p.Around, query.Around, 1)
	if p.At != nil {
		given++
		q.Direction, q.SentAt = query.At, p.At.UnixMilli()
	}
	if err == nil && given > 1 {
		err = problem.New(problem.InvalidParameter, "before, after, around and at exclude each other")
	}
	return q, err
}

// GetMessage gives one message.
func (s *Server) GetMessage(c echo.Context, roomName api.RoomID, event api.EventID, p api.GetMessageParams) error {
	req, id, err := s.beginRead(c, roomName, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	e, err := eventID(event)
	if err != nil {
		return err
	}
	row, at, err := s.Reads.Message(c.Request().Context(), req, id, e)
	if err != nil {
		return err
	}
	m, err := encodeMessage(&row.EventRow)
	if err != nil {
		return err
	}
	return answer(c, at, m)
}

// GetOutcome tells what became of a command.
func (s *Server) GetOutcome(c echo.Context, roomName api.RoomID, event api.EventID, p api.GetOutcomeParams) error {
	req, id, err := s.beginRead(c, roomName, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	e, err := eventID(event)
	if err != nil {
		return err
	}
	q := query.OutcomeQuery{Event: e}
	if p.Expires != nil {
		q.Expires = *p.Expires
	}
	if p.Position != nil {
		if q.At, err = s.Gate.ReadAt(*p.Position, s.Gate.PartitionOf(req.Who.Tenant, id)); err != nil {
			return err
		}
	}
	o, at, err := s.Reads.Outcome(c.Request().Context(), req, id, q)
	if err != nil {
		return err
	}
	return answer(c, at, encodeOutcome(o))
}

// maxSeq is the greatest seq that a client may name.
const maxSeq = 1<<53 - 1

func invalidSeq(name string, least int64) error {
	detail := "this is a seq: 1, 2, 3 …"
	if least == 0 {
		detail = "this is a seq, or 0 for the beginning"
	}
	return problem.In(problem.InvalidParameter, name, detail)
}

// optional reads a parameter that may be left out but not be empty.
func optional(v *string, name string) (string, error) {
	if v == nil {
		return "", nil
	}
	if *v == "" {
		return "", problem.In(problem.InvalidCursor, name, "the cursor is empty")
	}
	return *v, nil
}
