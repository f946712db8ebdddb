package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
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
	if p.Position != "" {
		if q.At, err = s.Gate.ReadAt(p.Position, s.Gate.PartitionOf(req.Who.Tenant, id)); err != nil {
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
