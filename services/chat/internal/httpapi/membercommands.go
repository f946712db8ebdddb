package httpapi

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// PutMember changes someone's membership.
func (s *Server) PutMember(c echo.Context, roomName api.RoomID, user api.ID, p api.PutMemberParams) error {
	target, err := userID(user)
	if err != nil {
		return err
	}
	var body memberRequest
	var cmd command.Command
	if err := s.beginIn(c, &cmd, roomName, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition}, "PUT member "+user, &body); err != nil {
		return err
	}
	cmd.Facts = func(by events.Command) events.Facts { return body.facts(by, target) }
	cmd.Content = events.MemberContent{Reason: body.Reason}
	var row room.Member
	cmd.Load = func(ctx context.Context, r readmodel.Reader, st query.Standing, of command.Receipt) (err error) {
		if row, _, err = r.Member(ctx, cmd.RoomKey(), target); err != nil {
			return err
		}
		seq := of.Outcome.Seq
		own := target == cmd.Who.User && seq > 0 && row.Since == seq // no more than the command said
		if st.SeeMember(target) != nil && !own {
			return command.ErrHidden
		}
		return nil
	}
	return s.finish(c, &cmd, func(r command.Receipt) (int, any) {
		return http.StatusOK, encodeMemberResult(row.At(s.Now().UnixMilli()), r)
	})
}

// PutPreferences says how a room is shown to the caller.
func (s *Server) PutPreferences(c echo.Context, roomName api.RoomID, p api.PutPreferencesParams) error {
	var body preferencesRequest
	var cmd command.Command
	if err := s.beginIn(c, &cmd, roomName, headers{prefer: p.Prefer, position: p.RoomlogPosition}, "PUT preferences", &body); err != nil {
		return err
	}
	cmd.Facts = body.facts
	var preferences api.Preferences
	cmd.Load = func(_ context.Context, _ readmodel.Reader, st query.Standing, _ command.Receipt) error {
		if err := joined(st); err != nil {
			return err
		}
		preferences = encodePreferences(*st.Own().Preferences)
		return nil
	}
	return s.finish(c, &cmd, func(command.Receipt) (int, any) { return http.StatusOK, preferences })
}

// PutRead moves the caller's read mark, in the room or in a thread.
func (s *Server) PutRead(c echo.Context, roomName api.RoomID, p api.PutReadParams) error {
	var body readRequest
	var cmd command.Command
	if err := s.beginIn(c, &cmd, roomName, headers{prefer: p.Prefer, position: p.RoomlogPosition}, "PUT read", &body); err != nil {
		return err
	}
	cmd.Facts = body.facts
	var marks api.Marks
	cmd.Load = func(ctx context.Context, r readmodel.Reader, st query.Standing, _ command.Receipt) error {
		if err := joined(st); err != nil {
			return err
		}
		marks = encodeMarks(st.Own())
		if body.ThreadRoot == "" {
			return nil
		}
		unread, err := st.UnreadIn(ctx, r, events.EventID(body.ThreadRoot))
		marks.ThreadRoot, marks.ThreadUnread = body.ThreadRoot, &unread
		return err
	}
	return s.finish(c, &cmd, func(command.Receipt) (int, any) { return http.StatusOK, marks })
}

// PutDelivered moves the mark up to which the caller's devices have the events.
func (s *Server) PutDelivered(c echo.Context, roomName api.RoomID, p api.PutDeliveredParams) error {
	var body deliveredRequest
	var cmd command.Command
	if err := s.beginIn(c, &cmd, roomName, headers{prefer: p.Prefer, position: p.RoomlogPosition}, "PUT delivered", &body); err != nil {
		return err
	}
	cmd.Facts = body.facts
	var marks api.Marks
	cmd.Load = func(_ context.Context, _ readmodel.Reader, st query.Standing, _ command.Receipt) error {
		marks = encodeMarks(st.Own())
		return joined(st)
	}
	return s.finish(c, &cmd, func(command.Receipt) (int, any) { return http.StatusOK, marks })
}

// joined hides a command's result from a sender who is no member any more.
func joined(st query.Standing) error {
	if st.Own().Membership != events.MembershipJoin {
		return command.ErrHidden
	}
	return nil
}
