package httpapi

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/position"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

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
	return answerMessages(c, at, page)
}

// GetThread gives a page of the replies to a message.
func (s *Server) GetThread(c echo.Context, roomName api.RoomID, event api.EventID, p api.GetThreadParams) error {
	req, id, e, err := s.beginMessage(c, roomName, event, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	q, err := messagesQuery(api.ListMessagesParams{Before: p.Before, After: p.After, Limit: p.Limit})
	if err != nil {
		return err
	}
	page, at, err := s.Reads.Thread(c.Request().Context(), req, id, e, q)
	if err != nil {
		return err
	}
	return answerMessages(c, at, page)
}

// ListThreads gives a page of the roots of threads.
func (s *Server) ListThreads(c echo.Context, roomName api.RoomID, p api.ListThreadsParams) error {
	return s.listMessages(c, roomName, p.RoomlogPosition, p.Prefer, p.After, p.Limit, s.Reads.Threads)
}

// ListPins gives a page of the pinned messages.
func (s *Server) ListPins(c echo.Context, roomName api.RoomID, p api.ListPinsParams) error {
	return s.listMessages(c, roomName, p.RoomlogPosition, p.Prefer, p.After, p.Limit, s.Reads.Pins)
}

// listMessages answers a page of a list of messages that has a cursor of its own.
func (s *Server) listMessages(c echo.Context, roomName api.RoomID, position, prefer string, cursor string, limit *int,
	list func(ctx context.Context, req query.Request, id events.RoomID, cursor string, limit int) (query.Page[query.Message], events.Vector, error),
) error {
	req, id, err := s.beginRead(c, roomName, position, prefer)
	if err != nil {
		return err
	}
	size, err := pageLimit(limit)
	if err != nil {
		return err
	}
	page, at, err := list(c.Request().Context(), req, id, cursor, size)
	if err != nil {
		return err
	}
	return answerMessages(c, at, page)
}

func answerMessages(c echo.Context, at events.Vector, page query.Page[query.Message]) error {
	b, err := appendMessages(make([]byte, 0, messageSize*(len(page.Items)+1)), page)
	if err != nil {
		return err
	}
	c.Response().Header().Set(position.Header, at.Token())
	return private(c, http.StatusOK, echo.MIMEApplicationJSON, b)
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
	req, id, e, err := s.beginMessage(c, roomName, event, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	row, at, err := s.Reads.Message(c.Request().Context(), req, id, e)
	if err != nil {
		return err
	}
	m, err := encodeMessage(&row)
	if err != nil {
		return err
	}
	setETag(c, m.Version)
	return answer(c, at, m)
}

// GetMessageHistory gives a page of a message's versions.
func (s *Server) GetMessageHistory(c echo.Context, roomName api.RoomID, event api.EventID, p api.GetMessageHistoryParams) error {
	req, id, e, err := s.beginMessage(c, roomName, event, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	limit, err := pageLimit(p.Limit)
	if err != nil {
		return err
	}
	page, at, err := s.Reads.History(c.Request().Context(), req, id, e, p.After, limit)
	if err != nil {
		return err
	}
	items, err := encodeAll(page.Items, encodeVersion)
	if err != nil {
		return err
	}
	return answer(c, at, api.MessageVersionPage{Items: items, Next: page.Next, Prev: page.Prev})
}

// ListReactors tells who reacted to a message with a key.
func (s *Server) ListReactors(c echo.Context, roomName api.RoomID, event api.EventID, p api.ListReactorsParams) error {
	req, id, e, err := s.beginMessage(c, roomName, event, p.RoomlogPosition, p.Prefer)
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
	if err := checkReactionKey(p.Key); err != nil {
		return err
	}
	page, at, err := s.Reads.Reactors(c.Request().Context(), req, id, e, p.Key, after, limit)
	if err != nil {
		return err
	}
	items, err := encodeAll(page.Items, func(u *events.UserID) (api.Reactor, error) { return api.Reactor{User: string(*u)}, nil })
	if err != nil {
		return err
	}
	return answer(c, at, api.ReactorPage{Items: items, Next: page.Next, Prev: page.Prev})
}

// beginMessage reads what all reads of a message have in common.
func (s *Server) beginMessage(c echo.Context, roomName, event, token, prefer string) (req query.Request, id events.RoomID, e events.EventID, err error) {
	if req, id, err = s.beginRead(c, roomName, token, prefer); err == nil {
		e, err = eventID(event)
	}
	return req, id, e, err
}
