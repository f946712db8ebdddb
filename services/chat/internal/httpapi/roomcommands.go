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
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// PutRoom gets or creates a room.
func (s *Server) PutRoom(c echo.Context, roomName api.RoomID, p api.PutRoomParams) error {
	var body roomRequest
	var cmd command.Command
	if err := s.beginIn(c, &cmd, roomName, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition}, "PUT room", &body); err != nil {
		return err
	}
	cmd.Facts, cmd.Content = body.facts, body.content()
	return s.finishRoom(c, &cmd)
}

// CreateRoom makes a room under an id of the server's.
func (s *Server) CreateRoom(c echo.Context, p api.CreateRoomParams) error {
	var cmd command.Command
	if err := s.begin(c, &cmd, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition}); err != nil {
		return err
	}
	if cmd.Room = events.RoomID(s.NewID(exchangeOf(c).begun)); cmd.Key != "" {
		cmd.Room = events.IdempotentRoomID(cmd.Who.Tenant, cmd.Who.User, cmd.Key)
	}
	var body roomRequest
	if err := readCommand(c, &cmd, "POST room", &body); err != nil {
		return err
	}
	cmd.Facts, cmd.Content = body.facts, body.content()
	return s.finishRoom(c, &cmd)
}

// PutDirect gets or creates the room of the caller and another person.
func (s *Server) PutDirect(c echo.Context, user api.ID, p api.PutDirectParams) error {
	with, err := userID(user)
	if err != nil {
		return err
	}
	var cmd command.Command
	if err := s.begin(c, &cmd, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition}); err != nil {
		return err
	}
	if with == cmd.Who.User {
		return problem.In(problem.InvalidParameter, "user", "a direct room is one of two people")
	}
	cmd.Room = events.DirectRoomID(cmd.Who.Tenant, cmd.Who.User, with)
	var body directRequest
	if c.Request().Body == http.NoBody {
		err = setDigest(&cmd, "PUT direct", []byte("{}"))
	} else {
		err = readCommand(c, &cmd, "PUT direct", &body)
	}
	if err != nil {
		return err
	}
	cmd.Content = events.RoomContent{Metadata: body.Metadata}
	cmd.Facts = func(by events.Command) events.Facts {
		return events.RoomCreated{Command: by, Kind: events.RoomDirect, Rules: room.Rules, Settings: body.Settings, With: with}
	}
	return s.finishRoom(c, &cmd)
}

// PutRules has a room judged by newer rules.
func (s *Server) PutRules(c echo.Context, roomName api.RoomID, p api.PutRulesParams) error {
	var body rulesRequest
	var cmd command.Command
	if err := s.beginIn(c, &cmd, roomName, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition}, "PUT rules", &body); err != nil {
		return err
	}
	cmd.Facts = func(by events.Command) events.Facts { return events.RulesUpgraded{Command: by, Rules: body.Rules} }
	return s.finishRoom(c, &cmd)
}

// DeleteRoom ends a room for good.
func (s *Server) DeleteRoom(c echo.Context, roomName api.RoomID, p api.DeleteRoomParams) error {
	var cmd command.Command
	if err := s.beginBare(c, &cmd, roomName, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition}, "DELETE room"); err != nil {
		return err
	}
	cmd.Facts = func(by events.Command) events.Facts { return events.RoomDeleted{Command: by} }
	cmd.Load = nothing
	return s.finish(c, &cmd, func(r command.Receipt) (int, any) {
		return http.StatusOK, api.Deletion{Room: string(r.Room), EventID: string(r.Event), Seq: int64(r.Outcome.Seq)}
	})
}

// finishRoom is finish for a command whose answer is the room.
func (s *Server) finishRoom(c echo.Context, cmd *command.Command) error {
	var seen query.Room
	cmd.Load = func(ctx context.Context, r readmodel.Reader, st query.Standing, _ command.Receipt) (err error) {
		if st.See() != nil { // they may have left since, or it may be deleted
			return command.ErrHidden
		}
		seen, err = st.Room(ctx, r)
		return err
	}
	_, makes := cmd.Facts(events.Command{}).(events.RoomCreated)
	return s.finish(c, cmd, func(r command.Receipt) (int, any) {
		setRoomETag(c, seen)
		if makes && r.Outcome.Seq > 0 {
			return http.StatusCreated, encodeRoom(seen)
		}
		return http.StatusOK, encodeRoom(seen)
	})
}

// setRoomETag says which version the answer shows, to those who see it.
func setRoomETag(c echo.Context, r query.Room) {
	if r.Full {
		setETag(c, r.Version)
	}
}
