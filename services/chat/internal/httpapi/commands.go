package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/position"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// headers are those that all commands have.
type headers struct{ key, prefer, position string }

// begin reads what all commands have in common; the room may be chosen later.
func (s *Server) begin(c echo.Context, h headers) (cmd command.Command, err error) {
	req, err := s.readRequest(c, h.position, h.prefer)
	if err != nil {
		return cmd, err
	}
	if v, ok := c.Request().Header["Idempotency-Key"]; ok && v[0] == "" {
		h.key = " " // there, and no key
	}
	if err := checkKey("Idempotency-Key", h.key); err != nil {
		return cmd, err
	}
	return command.Command{
		Who: req.Who, Key: h.key, Position: req.Position, Wait: req.Wait,
		TraceParent: traceParent(c.Request().Header.Get("Traceparent")),
	}, nil
}

// beginIn is begin for a command to the room of the path, with a body that check
// looks at. What stands in the log as the command's digest never changes: kind and
// body.
func (s *Server) beginIn(c echo.Context, roomName string, h headers, kind string, body request) (cmd command.Command, err error) {
	id, err := roomID(roomName)
	if err != nil {
		return cmd, err
	}
	if cmd, err = s.begin(c, h); err != nil {
		return cmd, err
	}
	cmd.Room = id
	err = readCommand(c, &cmd, kind, body)
	return cmd, err
}

// request is the body of a command.
type request interface {
	// into is where it is decoded to, required what must be there.
	into() (v any, required string)
	check() error
	// key serves as the idempotency key where the header is not there.
	key() string
}

func readCommand(c echo.Context, cmd *command.Command, kind string, body request) error {
	into, required := body.into()
	raw, err := readBody(c, into, required)
	if err != nil {
		return err
	}
	if err := body.check(); err != nil {
		return err
	}
	if cmd.Key == "" {
		cmd.Key = body.key()
	}
	if cmd.Key != "" {
		cmd.Digest, err = events.Digest(kind, raw)
	}
	return err
}

// finish carries the command out and answers: 202, or what show gives of the
// verdict.
func (s *Server) finish(c echo.Context, cmd command.Command, show func(command.Receipt) (status int, body any)) error {
	cmd.See = func(ctx context.Context, r readmodel.Reader) error {
		st, err := s.standing(ctx, r, cmd)
		if err != nil {
			return err
		}
		return st.See()
	}
	r, err := s.Commands.Do(c.Request().Context(), cmd)
	if r.Position != nil {
		c.Response().Header().Set(position.Header, r.Token.Token())
	}
	if err != nil {
		return err
	}
	if r.Outcome != nil {
		c.Response().Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(cmd.Wait/time.Second)))
		status, body := show(r)
		return writeJSON(c, status, echo.MIMEApplicationJSON, body)
	}
	accepted := api.Accepted{EventID: string(r.Event)}
	location := "/v1/rooms/" + string(r.Room) + "/outcomes/" + string(r.Event)
	if r.Position != nil {
		token := r.Token.Token()
		accepted.Position = &token
	} else {
		location += "?expires=" + r.Expires.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	if c.Path() == "/v1/rooms" {
		accepted.Room = string(r.Room)
	}
	c.Response().Header().Set(echo.HeaderLocation, location)
	return writeJSON(c, http.StatusAccepted, echo.MIMEApplicationJSON, accepted)
}

// PutRoom gets or creates a room.
func (s *Server) PutRoom(c echo.Context, roomName api.RoomID, p api.PutRoomParams) error {
	var body roomRequest
	cmd, err := s.beginIn(c, roomName, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition}, "PUT room", &body)
	if err != nil {
		return err
	}
	return s.createRoom(c, cmd, &body)
}

// CreateRoom makes a room under an id of the server's.
func (s *Server) CreateRoom(c echo.Context, p api.CreateRoomParams) error {
	cmd, err := s.begin(c, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition})
	if err != nil {
		return err
	}
	if cmd.Room = events.RoomID(s.NewID()); cmd.Key != "" {
		cmd.Room = events.IdempotentRoomID(cmd.Who.Tenant, cmd.Who.User, cmd.Key)
	}
	var body roomRequest
	if err := readCommand(c, &cmd, "POST room", &body); err != nil {
		return err
	}
	return s.createRoom(c, cmd, &body)
}

func (s *Server) createRoom(c echo.Context, cmd command.Command, body *roomRequest) error {
	cmd.Facts, cmd.Content = body.facts, body.content()
	var seen query.Room
	cmd.Load = func(ctx context.Context, r readmodel.Reader, _ readmodel.Outcome) error {
		st, err := s.standing(ctx, r, cmd)
		if err != nil {
			return err
		}
		if st.See() != nil { // its maker may have left since
			return command.ErrHidden
		}
		seen = st.Room()
		return nil
	}
	return s.finish(c, cmd, func(r command.Receipt) (int, any) {
		status := http.StatusCreated
		if r.Outcome.Seq == 0 {
			status = http.StatusOK
		}
		return status, encodeRoom(seen)
	})
}

// PutMember changes someone's membership.
func (s *Server) PutMember(c echo.Context, roomName api.RoomID, user api.ID, p api.PutMemberParams) error {
	target, err := userID(user)
	if err != nil {
		return err
	}
	var body memberRequest
	cmd, err := s.beginIn(c, roomName, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition}, "PUT member "+user, &body)
	if err != nil {
		return err
	}
	cmd.Facts = func(by events.Command) events.Facts { return body.facts(by, target) }
	cmd.Content = events.MemberContent{Reason: body.Reason}
	var row room.Member
	cmd.Load = func(ctx context.Context, r readmodel.Reader, o readmodel.Outcome) error {
		st, err := s.standing(ctx, r, cmd)
		if err != nil {
			return err
		}
		if row, _, err = r.Member(ctx, readmodel.Key{Tenant: cmd.Who.Tenant, Room: cmd.Room}, target); err != nil {
			return err
		}
		own := target == cmd.Who.User && o.Seq > 0 && row.Since == o.Seq // no more than the command said
		if st.SeeMember(target) != nil && !own {
			return command.ErrHidden
		}
		return nil
	}
	return s.finish(c, cmd, func(r command.Receipt) (int, any) {
		return http.StatusOK, encodeMemberResult(row.At(s.Now().UnixMilli()), r)
	})
}

// PostMessage says something.
func (s *Server) PostMessage(c echo.Context, roomName api.RoomID, p api.PostMessageParams) error {
	var body messageRequest
	cmd, err := s.beginIn(c, roomName, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition}, "POST message", &body)
	if err != nil {
		return err
	}
	cmd.Facts, cmd.Content = body.facts, body.content()
	var message api.Message
	cmd.Load = func(ctx context.Context, r readmodel.Reader, o readmodel.Outcome) error {
		row, err := eventAt(ctx, r, readmodel.Key{Tenant: cmd.Who.Tenant, Room: cmd.Room}, o.Seq)
		if err == nil {
			message, err = encodeMessage(&row)
		}
		return err
	}
	return s.finish(c, cmd, func(command.Receipt) (int, any) { return http.StatusCreated, message })
}

// standing is what the sender of a command may see of its room.
func (s *Server) standing(ctx context.Context, r readmodel.Reader, cmd command.Command) (query.Standing, error) {
	return query.StandingOf(ctx, r, readmodel.Key{Tenant: cmd.Who.Tenant, Room: cmd.Room}, cmd.Who.User, s.Now().UnixMilli())
}

// eventAt reads the event with a seq.
func eventAt(ctx context.Context, r readmodel.Reader, key readmodel.Key, seq events.Seq) (readmodel.EventRow, error) {
	rows, err := r.Events(ctx, key, seq-1, nil, 1)
	if err != nil {
		return readmodel.EventRow{}, err
	}
	if len(rows) == 0 || rows[0].Seq != seq {
		return readmodel.EventRow{}, fmt.Errorf("room %s has no event %d", key.Room, seq)
	}
	return rows[0], nil
}
