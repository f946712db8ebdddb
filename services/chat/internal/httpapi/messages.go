package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// PostMessage says something.
func (s *Server) PostMessage(c echo.Context, roomName api.RoomID, p api.PostMessageParams) error {
	var body messageRequest
	var cmd command.Command
	if err := s.beginIn(c, &cmd, roomName, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition}, "POST message", &body); err != nil {
		return err
	}
	cmd.Facts, cmd.Content = body.facts, body.content()
	if body.MentionsHere {
		cmd.Complete = s.mentionHere(&body)
	}
	cmd.Load = func(ctx context.Context, r readmodel.Reader, st query.Standing, of command.Receipt) error {
		m, err := loadMessage(ctx, r, st, of.Event)
		body.posted = &m
		return err
	}
	return s.finish(c, &cmd, func(command.Receipt) (int, any) { return http.StatusCreated, body.posted })
}

// DeleteMessage redacts a message.
func (s *Server) DeleteMessage(c echo.Context, roomName api.RoomID, event api.EventID, p api.DeleteMessageParams) error {
	if len(p.Reason) > events.MaxReason || !isText(p.Reason) {
		return problem.In(problem.InvalidParameter, "reason", fmt.Sprintf("a reason is at most %d bytes of text", events.MaxReason))
	}
	return s.aboutMessage(c, roomName, event, headers{prefer: p.Prefer, position: p.RoomlogPosition}, events.RedactionContent{Reason: p.Reason},
		func(by events.Command, target events.EventID) events.Facts {
			return events.MessageRedacted{Command: by, Target: target}
		})
}

// PutPin pins a message.
func (s *Server) PutPin(c echo.Context, roomName api.RoomID, event api.EventID, p api.PutPinParams) error {
	return s.aboutMessage(c, roomName, event, headers{prefer: p.Prefer, position: p.RoomlogPosition}, struct{}{},
		func(by events.Command, target events.EventID) events.Facts {
			return events.MessagePinned{Command: by, Target: target}
		})
}

// DeletePin unpins a message.
func (s *Server) DeletePin(c echo.Context, roomName api.RoomID, event api.EventID, p api.DeletePinParams) error {
	return s.aboutMessage(c, roomName, event, headers{prefer: p.Prefer, position: p.RoomlogPosition}, struct{}{},
		func(by events.Command, target events.EventID) events.Facts {
			return events.MessageUnpinned{Command: by, Target: target}
		})
}

// PutReaction reacts to a message.
func (s *Server) PutReaction(c echo.Context, roomName api.RoomID, event api.EventID, key string, p api.PutReactionParams) error {
	if err := checkReactionKey(key); err != nil {
		return err
	}
	return s.aboutMessage(c, roomName, event, headers{prefer: p.Prefer, position: p.RoomlogPosition}, struct{}{},
		func(by events.Command, target events.EventID) events.Facts {
			return events.ReactionAdded{Command: by, Target: target, Key: key}
		})
}

// DeleteReaction takes a reaction back.
func (s *Server) DeleteReaction(c echo.Context, roomName api.RoomID, event api.EventID, key string, p api.DeleteReactionParams) error {
	if err := checkReactionKey(key); err != nil {
		return err
	}
	return s.aboutMessage(c, roomName, event, headers{prefer: p.Prefer, position: p.RoomlogPosition}, struct{}{},
		func(by events.Command, target events.EventID) events.Facts {
			return events.ReactionRemoved{Command: by, Target: target, Key: key}
		})
}

// aboutMessage carries out a command about one message that has no body.
func (s *Server) aboutMessage(c echo.Context, roomName, event string, h headers, content any, facts func(by events.Command, target events.EventID) events.Facts) error {
	target, err := eventID(event)
	if err != nil {
		return err
	}
	var cmd command.Command
	if err := s.beginBare(c, &cmd, roomName, h, ""); err != nil {
		return err
	}
	cmd.Content = content
	cmd.Facts = func(by events.Command) events.Facts { return facts(by, target) }
	return s.finishMessage(c, &cmd, target)
}

// finishMessage answers a command about a message with the message.
func (s *Server) finishMessage(c echo.Context, cmd *command.Command, target events.EventID) error {
	var message api.Message
	cmd.Load = func(ctx context.Context, r readmodel.Reader, st query.Standing, _ command.Receipt) (err error) {
		message, err = loadMessage(ctx, r, st, target)
		return err
	}
	return s.finish(c, cmd, func(r command.Receipt) (int, any) {
		setETag(c, message.Version)
		return http.StatusOK, encodeMessageResult(message, r)
	})
}

// RedactMessages redacts a range of messages.
func (s *Server) RedactMessages(c echo.Context, roomName api.RoomID, p api.RedactMessagesParams) error {
	var body redactionRequest
	var cmd command.Command
	if err := s.beginIn(c, &cmd, roomName, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition}, "POST redaction", &body); err != nil {
		return err
	}
	cmd.Facts, cmd.Content = body.facts, events.RedactionContent{Reason: body.Reason}
	cmd.Load = nothing
	return s.finish(c, &cmd, func(r command.Receipt) (int, any) {
		return http.StatusCreated, api.Redaction{
			EventID: string(r.Event), Seq: int64(r.Outcome.Seq), From: body.From, To: body.To, Author: body.Author,
		}
	})
}

// loadMessage reads a message for the sender of a command about it.
func loadMessage(ctx context.Context, r readmodel.Reader, st query.Standing, id events.EventID) (api.Message, error) {
	m, err := st.Message(ctx, r, id)
	if _, refused := errors.AsType[*problem.Error](err); refused { // they may have left since
		return api.Message{}, command.ErrHidden
	}
	if err != nil {
		return api.Message{}, err
	}
	return encodeMessage(&m)
}
