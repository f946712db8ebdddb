package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/position"
)

// PutTyping tells the room that the caller types, or has stopped.
func (s *Server) PutTyping(c echo.Context, roomName api.RoomID, p api.PutTypingParams) error {
	req, id, err := s.beginRead(c, roomName, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	var body api.TypingRequest
	if _, err := readBody(c, &body, "typing"); err != nil {
		return err
	}
	at, err := s.Reads.MayType(c.Request().Context(), req, id)
	if err != nil {
		return err
	}
	s.Board.Typing(req.Who.Account(), id, body.Typing)
	c.Response().Header().Set(position.Header, at.Token())
	return c.NoContent(http.StatusNoContent)
}

// ListPresence lists the members of a room who are there, or were lately.
func (s *Server) ListPresence(c echo.Context, roomName api.RoomID, p api.ListPresenceParams) error {
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
	page, at, err := s.Reads.Present(c.Request().Context(), req, id, s.Board.Known(req.Who.Tenant), after, limit)
	if err != nil {
		return err
	}
	out := api.PresencePage{Items: make([]api.Presence, len(page.Items)), Next: page.Next}
	for i, u := range page.Items {
		is := s.Board.Of(auth.Account{Tenant: req.Who.Tenant, User: u})
		out.Items[i] = api.Presence{User: string(u), Presence: api.PresencePresence(is.Presence), LastSeen: is.LastSeen}
	}
	return answer(c, at, out)
}
