package httpapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/position"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
	"github.com/roomlog/roomlog/services/chat/internal/strictjson"
)

const (
	maxBody = events.MaxEvent

	defaultLimit = 50
	maxLimit     = 200
	maxWait      = 30
	maxKey       = 128
)

// readBody reads the JSON body of a request into a generated type, and gives it as
// it was sent too.
func readBody(c echo.Context, into any, required string) ([]byte, error) {
	body, err := rawBody(c, echo.MIMEApplicationJSON)
	if err != nil {
		return nil, err
	}
	return body, strictjson.Decode(body, into, required)
}

// readPatch reads a merge patch of what the pointer points at.
func readPatch(c echo.Context, of any) ([]byte, error) {
	body, err := rawBody(c, echo.MIMEApplicationJSON, mergePatchType)
	if err != nil {
		return nil, err
	}
	return body, strictjson.CheckPatch(body, of)
}

func rawBody(c echo.Context, types ...string) ([]byte, error) {
	r := c.Request()
	if err := checkContentType(r.Header, types); err != nil {
		return nil, err
	}
	if r.ContentLength > maxBody {
		return nil, bodyTooLarge()
	}
	body, err := readFull(c, r)
	switch _, large := errors.AsType[*http.MaxBytesError](err); {
	case large:
		return nil, bodyTooLarge()
	case err != nil:
		return nil, problem.Caused(problem.InvalidJSON, "the body did not come in full", err)
	case len(body) == 0:
		return nil, problem.New(problem.InvalidJSON, "the body is empty")
	}
	return body, nil
}

// readFull reads a body, of a length that is known and allowed or below zero.
func readFull(c echo.Context, r *http.Request) ([]byte, error) {
	if r.ContentLength < 0 {
		return io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxBody))
	}
	b := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, b)
	return b, err
}

func bodyTooLarge() error {
	return problem.New(problem.BodyTooLarge, fmt.Sprintf("the body has more than %d bytes", maxBody))
}

func checkContentType(h http.Header, types []string) error {
	said, encoding := first(h, echo.HeaderContentType), first(h, echo.HeaderContentEncoding)
	if encoding == "" && slices.Contains(types, said) { // as nearly all do
		return nil
	}
	kind, params, err := mime.ParseMediaType(said)
	charset, has := params["charset"]
	if err != nil || !slices.Contains(types, kind) || has && !strings.EqualFold(charset, "utf-8") || encoding != "" && encoding != "identity" {
		return problem.New(problem.UnsupportedMediaType, fmt.Sprintf("send Content-Type: %s, without a Content-Encoding", strings.Join(types, " or ")))
	}
	return nil
}

// first is Get of a name that is in canonical form: to see that costs more than to look it
// up.
func first(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func roomID(s string) (events.RoomID, error) {
	id, err := events.ParseRoomID(s)
	if err != nil {
		return id, badID("room", err)
	}
	return id, nil
}

func userID(s string) (events.UserID, error) {
	id, err := events.ParseUserID(s)
	if err != nil {
		return id, badID("user", err)
	}
	return id, nil
}

func eventID(s string) (events.EventID, error) {
	id, err := events.ParseEventID(s)
	if err != nil {
		return id, badID("event_id", err)
	}
	return id, nil
}

func badID(field string, cause error) error {
	p := problem.In(problem.InvalidID, field, fmt.Sprintf("ids are 1 to %d characters of A-Z a-z 0-9 . _ ~ - : @", events.MaxIDLength))
	p.Cause = cause
	return p
}

// parsePrefer reads wait=N from a Prefer header (RFC 7240); zero: not there.
func parsePrefer(header string) (time.Duration, error) {
	for p := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "wait") {
			continue
		}
		n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
		if err != nil || n < 1 || n > maxWait {
			return 0, problem.In(problem.InvalidPrefer, "Prefer", fmt.Sprintf("wait is a number of seconds from 1 to %d", maxWait))
		}
		return time.Duration(n) * time.Second, nil
	}
	return 0, nil
}

func checkKey(field, key string) error {
	if key == "" {
		return nil
	}
	ok := len(key) <= maxKey
	for i := range len(key) {
		ok = ok && key[i] > ' ' && key[i] < 0x7f
	}
	if !ok {
		return problem.In(problem.InvalidKey, field, fmt.Sprintf("a key is 1 to %d visible ASCII characters", maxKey))
	}
	return nil
}

func pageLimit(limit *int) (int, error) {
	if limit == nil {
		return defaultLimit, nil
	}
	if *limit < 1 || *limit > maxLimit {
		return 0, problem.In(problem.InvalidParameter, "limit", fmt.Sprintf("limit is 1 to %d", maxLimit))
	}
	return *limit, nil
}

// readRequest is what every read begins with.
func (s *Server) readRequest(c echo.Context, token, prefer string) (req query.Request, err error) {
	req.Who, req.Seen = identity(c), tellPosition(c)
	req.Position, req.Wait, err = s.readHeaders(c, token, prefer)
	return req, err
}

// readHeaders reads what both reads and commands have.
func (s *Server) readHeaders(c echo.Context, token, prefer string) (at events.Vector, wait time.Duration, err error) {
	if err = positionOnce(c); err != nil {
		return at, wait, err
	}
	if wait, err = parsePrefer(prefer); err != nil {
		return at, wait, err
	}
	at, err = s.Gate.Read(token)
	return at, wait, err
}

// readOf is a read that belongs to a command.
func readOf(c echo.Context, cmd *command.Command) query.Request {
	return query.Request{Who: cmd.Who, Position: cmd.Position, Wait: cmd.Wait, Seen: tellPosition(c)}
}

func tellPosition(c echo.Context) func(events.Vector) {
	return func(at events.Vector) { c.Response().Header().Set(position.Header, at.Token()) }
}

// positionOnce refuses an empty position: a client that has none sends none.
func positionOnce(c echo.Context) error {
	if v, ok := c.Request().Header["Roomlog-Position"]; ok && v[0] == "" {
		return problem.In(problem.InvalidPosition, "Roomlog-Position", "the header is empty")
	}
	return nil
}
