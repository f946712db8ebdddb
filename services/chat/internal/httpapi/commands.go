package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/position"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// headers are those that all commands have.
type headers struct{ key, prefer, position string }

// begin reads what all commands have in common; the room may be chosen later.
func (s *Server) begin(c echo.Context, cmd *command.Command, h headers) (err error) {
	cmd.Who = identity(c)
	if cmd.Position, cmd.Wait, err = s.readHeaders(c, h.position, h.prefer); err != nil {
		return err
	}
	if v, ok := c.Request().Header["Idempotency-Key"]; ok && v[0] == "" {
		h.key = " " // there, and no key
	}
	cmd.Key = h.key
	cmd.TraceParent = traceParent(first(c.Request().Header, "Traceparent"))
	return checkKey("Idempotency-Key", h.key)
}

// beginIn is begin for a command to the room of the path, with a body that check
// looks at. What stands in the log as the command's digest never changes: kind and
// body.
func (s *Server) beginIn(c echo.Context, cmd *command.Command, roomName string, h headers, kind string, body request) (err error) {
	if cmd.Room, err = roomID(roomName); err != nil {
		return err
	}
	if err = s.begin(c, cmd, h); err != nil {
		return err
	}
	return readCommand(c, cmd, kind, body)
}

// beginBare is beginIn for a command that has no body.
func (s *Server) beginBare(c echo.Context, cmd *command.Command, roomName string, h headers, kind string) (err error) {
	if cmd.Room, err = roomID(roomName); err != nil {
		return err
	}
	if err = s.begin(c, cmd, h); err != nil {
		return err
	}
	return setDigest(cmd, kind, []byte("{}"))
}

// request is the body of a command.
type request interface {
	// into is where it is decoded to, required the field that must be there, or "".
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
	return setDigest(cmd, kind, raw)
}

// setDigest tells the command from others under its key, where it has one.
func setDigest(cmd *command.Command, kind string, body []byte) (err error) {
	if cmd.Key != "" {
		cmd.Digest, err = events.Digest(kind, body)
	}
	return err
}

// finish carries the command out and answers: 202, or what show gives of the
// verdict.
func (s *Server) finish(c echo.Context, cmd *command.Command, show func(command.Receipt) (status int, body any)) error {
	r, err := s.Commands.Do(c.Request().Context(), cmd)
	return answerCommand(c, cmd, r, err, show)
}

// answerCommand says what has become of a command. It is apart from finish because of its
// frame, which would stand there while the log is waited for.
func answerCommand(c echo.Context, cmd *command.Command, r command.Receipt, err error, show func(command.Receipt) (status int, body any)) error {
	var token string
	if r.Position != nil {
		token = r.Token.Token()
		exchangeOf(c).set(position.Header, token)
	}
	if err != nil {
		return err
	}
	if r.Outcome != nil {
		applied(c, cmd)
		status, body := show(r)
		return writeJSON(c, status, echo.MIMEApplicationJSON, body)
	}
	accepted := api.Accepted{EventID: string(r.Event)}
	location := "/v1/rooms/" + string(r.Room) + "/outcomes/" + string(r.Event)
	if r.Position != nil {
		accepted.Position = &token
	} else {
		location += "?expires=" + r.Expires.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	if c.Param("room") == "" { // the server has chosen it
		accepted.Room = string(r.Room)
	}
	exchangeOf(c).set(echo.HeaderLocation, location)
	return private(c, http.StatusAccepted, echo.MIMEApplicationJSON, appendAccepted(make([]byte, 0, acceptedSize), &accepted))
}

// applied says that the answer was waited for.
func applied(c echo.Context, cmd *command.Command) {
	c.Response().Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(cmd.Wait/time.Second)))
}

// nothing is what loads where the command's receipt is all that there is to see.
func nothing(context.Context, readmodel.Reader, query.Standing, command.Receipt) error { return nil }
