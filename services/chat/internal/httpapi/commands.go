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

// finish carries the command out and answers: 202, or what show gives of the
// verdict.
func (s *Server) finish(c echo.Context, cmd command.Command, show func(command.Receipt) (status int, body any)) error {
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
	id, err := roomID(roomName)
	if err != nil {
		return err
	}
	cmd, err := s.begin(c, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition})
	if err != nil {
		return err
	}
	cmd.Room = id
	return s.createRoom(c, cmd, "PUT room")
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
	return s.createRoom(c, cmd, "POST room")
}

func (s *Server) createRoom(c echo.Context, cmd command.Command, kind string) error {
	var body api.RoomRequest
	raw, err := readBody(c, &body, "kind")
	if err != nil {
		return err
	}
	if err := checkRoom(&body); err != nil {
		return err
	}
	if err := digest(&cmd, kind, raw); err != nil {
		return err
	}
	cmd.Facts = func(by events.Command) events.Facts {
		return events.RoomCreated{
			Command: by, Kind: events.RoomKind(body.Kind), Rules: room.Rules,
			Settings: events.RoomSettings{MaxMessageLength: body.Settings.MaxMessageLength},
		}
	}
	cmd.Content = events.RoomContent{Name: body.Name, Metadata: body.Metadata}
	var row readmodel.RoomRow
	cmd.Load = func(ctx context.Context, r readmodel.Reader, _ readmodel.Outcome) (err error) {
		row, _, err = r.Room(ctx, readmodel.Key{Tenant: cmd.Who.Tenant, Room: cmd.Room})
		return err
	}
	return s.finish(c, cmd, func(r command.Receipt) (int, any) {
		status := http.StatusCreated
		if r.Outcome.Seq == 0 {
			status = http.StatusOK
		}
		return status, encodeRoom(query.Room{RoomRow: row, Full: true})
	})
}

// PutMember changes someone's membership.
func (s *Server) PutMember(c echo.Context, roomName api.RoomID, user api.ID, p api.PutMemberParams) error {
	id, target, err := roomAndUser(roomName, user)
	if err != nil {
		return err
	}
	cmd, err := s.begin(c, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition})
	if err != nil {
		return err
	}
	cmd.Room = id
	var body api.MemberRequest
	raw, err := readBody(c, &body, "membership")
	if err != nil {
		return err
	}
	if err := checkMember(&body); err != nil {
		return err
	}
	if err := digest(&cmd, "PUT member "+string(target), raw); err != nil {
		return err
	}
	cmd.Facts = func(by events.Command) events.Facts { return memberChanged(by, target, &body) }
	cmd.Content = events.MemberContent{Reason: body.Reason}
	var row room.Member
	cmd.Load = func(ctx context.Context, r readmodel.Reader, _ readmodel.Outcome) (err error) {
		row, _, err = r.Member(ctx, readmodel.Key{Tenant: cmd.Who.Tenant, Room: id}, target)
		return err
	}
	return s.finish(c, cmd, func(r command.Receipt) (int, any) {
		return http.StatusOK, encodeMemberResult(row.At(s.Now().UnixMilli()), r)
	})
}

// PostMessage says something.
func (s *Server) PostMessage(c echo.Context, roomName api.RoomID, p api.PostMessageParams) error {
	id, err := roomID(roomName)
	if err != nil {
		return err
	}
	cmd, err := s.begin(c, headers{p.IdempotencyKey, p.Prefer, p.RoomlogPosition})
	if err != nil {
		return err
	}
	cmd.Room = id
	var body api.MessageRequest
	raw, err := readBody(c, &body, "text")
	if err != nil {
		return err
	}
	if err := checkMessage(&body); err != nil {
		return err
	}
	if cmd.Key == "" {
		cmd.Key = body.ClientMsgID
	}
	if err := digest(&cmd, "POST message", raw); err != nil {
		return err
	}
	cmd.Facts = func(by events.Command) events.Facts { return messagePosted(by, &body) }
	cmd.Content = events.MessageContent{
		Text: body.Text, Format: body.Format, ClientMsgID: body.ClientMsgID, Attachments: body.Attachments, Data: body.Data,
	}
	var message api.Message
	cmd.Load = func(ctx context.Context, r readmodel.Reader, o readmodel.Outcome) error {
		row, err := eventAt(ctx, r, readmodel.Key{Tenant: cmd.Who.Tenant, Room: id}, o.Seq)
		if err == nil {
			message, err = encodeMessage(&row)
		}
		return err
	}
	return s.finish(c, cmd, func(command.Receipt) (int, any) { return http.StatusCreated, message })
}

// digest tells this request from others under its key. What it is made of never
// changes: it stands in the log.
func digest(cmd *command.Command, kind string, body []byte) (err error) {
	if cmd.Key != "" {
		cmd.Digest, err = events.Digest(kind, body)
	}
	return err
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

func roomAndUser(roomName, user string) (events.RoomID, events.UserID, error) {
	r, err := roomID(roomName)
	if err != nil {
		return "", "", err
	}
	u, err := userID(user)
	return r, u, err
}
