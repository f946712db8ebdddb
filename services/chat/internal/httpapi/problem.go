package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

const (
	problemType = "application/problem+json"
	// typePrefix and a code make a problem's type.
	typePrefix = "urn:roomlog:problem:"
	// statusGone is what the logs show for a client that did not wait.
	statusGone = 499
)

// retryAfter is how long a client waits where the problem does not say; an
// operator needs longer than a busy database.
var retryAfter = map[problem.Code]time.Duration{problem.RoomBlocked: 30 * time.Second}

// statuses has the status of each code.
var statuses = map[problem.Code]int{
	problem.InvalidJSON:          http.StatusBadRequest,
	problem.InvalidUTF8:          http.StatusBadRequest,
	problem.InvalidCharacter:     http.StatusBadRequest,
	problem.JSONTooDeep:          http.StatusBadRequest,
	problem.UnknownField:         http.StatusBadRequest,
	problem.DuplicateField:       http.StatusBadRequest,
	problem.MissingField:         http.StatusBadRequest,
	problem.InvalidField:         http.StatusBadRequest,
	problem.UnknownParameter:     http.StatusBadRequest,
	problem.InvalidParameter:     http.StatusBadRequest,
	problem.InvalidID:            http.StatusBadRequest,
	problem.InvalidPrefer:        http.StatusBadRequest,
	problem.InvalidKey:           http.StatusBadRequest,
	problem.InvalidPosition:      http.StatusBadRequest,
	problem.InvalidCursor:        http.StatusBadRequest,
	problem.TokenInURL:           http.StatusBadRequest,
	problem.TokenMissing:         http.StatusUnauthorized,
	problem.TokenInvalid:         http.StatusUnauthorized,
	problem.TokenExpired:         http.StatusUnauthorized,
	problem.TokenRevoked:         http.StatusUnauthorized,
	problem.InsufficientScope:    http.StatusForbidden,
	problem.RefusedByHook:        http.StatusForbidden,
	problem.RouteNotFound:        http.StatusNotFound,
	problem.MemberNotFound:       http.StatusNotFound,
	problem.EventNotFound:        http.StatusNotFound,
	problem.OutcomeNotFound:      http.StatusNotFound,
	problem.MethodNotAllowed:     http.StatusMethodNotAllowed,
	problem.PositionOfAnotherLog: http.StatusPreconditionFailed,
	problem.BodyTooLarge:         http.StatusRequestEntityTooLarge,
	problem.UnsupportedMediaType: http.StatusUnsupportedMediaType,
	problem.RateLimited:          http.StatusTooManyRequests,
	problem.TooManyStreams:       http.StatusTooManyRequests,
	problem.TooManyRequests:      http.StatusTooManyRequests,
	problem.Internal:             http.StatusInternalServerError,
	problem.LogUnavailable:       http.StatusServiceUnavailable,
	problem.IssuerUnavailable:    http.StatusServiceUnavailable,
	problem.HookUnavailable:      http.StatusServiceUnavailable,
	problem.ReadModelBehind:      http.StatusServiceUnavailable,
	problem.ReadModelUnavailable: http.StatusServiceUnavailable,
	problem.RoomBlocked:          http.StatusServiceUnavailable,

	problem.Code(room.CodeRoomNotFound):   http.StatusNotFound,
	problem.Code(room.CodeUserUnknown):    http.StatusNotFound,
	problem.Code(room.CodeMessageUnknown): http.StatusNotFound,
	problem.Code(room.CodeNotAMember):     http.StatusForbidden,
	problem.Code(room.CodeBanned):         http.StatusForbidden,
	problem.Code(room.CodeForbidden):      http.StatusForbidden,
	problem.Code(room.CodeReactionsOff):   http.StatusForbidden,
	problem.Code(room.CodeThreadsOff):     http.StatusForbidden,
	problem.Code(room.CodeRoomIDTaken):    http.StatusConflict,
	problem.Code(room.CodeUserJoined):     http.StatusConflict,
	problem.Code(room.CodeUserBanned):     http.StatusConflict,
	problem.Code(room.CodeRoomArchived):   http.StatusConflict,
	problem.Code(room.CodeRedacted):       http.StatusConflict,
	problem.Code(room.CodeExpired):        http.StatusConflict,
	problem.Code(room.CodeDiscarded):      http.StatusConflict,
	problem.Code(room.CodeVersion):        http.StatusPreconditionFailed,
	problem.Code(room.CodeRoomIDReserved): http.StatusBadRequest,
	problem.Code(room.CodeInvalid):        http.StatusBadRequest,
	problem.Code(room.CodeKeyReused):      http.StatusUnprocessableEntity,
	problem.Code(room.CodeTextTooLong):    http.StatusUnprocessableEntity,
	problem.Code(room.CodeReplyNotFound):  http.StatusUnprocessableEntity,
	problem.Code(room.CodeThreadNotFound): http.StatusUnprocessableEntity,
	problem.Code(room.CodeThreadNested):   http.StatusUnprocessableEntity,
	problem.Code(room.CodeReactionKeys):   http.StatusUnprocessableEntity,
	problem.Code(room.CodeSlowMode):       http.StatusTooManyRequests,
}

// statusOf is the one place that maps a code to a status.
func statusOf(c problem.Code) int {
	if s, ok := statuses[c]; ok {
		return s
	}
	// What the fold rejects for a reason that this program has no status for.
	return http.StatusUnprocessableEntity
}

// handleError writes an error as a problem, and logs what is our fault.
func (s *Server) handleError(err error, c echo.Context) {
	if errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		c.Response().Status = statusGone
		return
	}
	p := s.problemOf(err)
	status := statusOf(p.Code)
	if status >= http.StatusInternalServerError {
		s.Logger.Warn("request failed", "request_id", requestID(c), "code", p.Code, "error", err)
	}
	if c.Response().Committed {
		return
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	if status == http.StatusUnauthorized {
		h.Set(echo.HeaderWWWAuthenticate, challenge(p.Code))
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(seconds(p)))
	}
	body := api.Problem{
		Type: typePrefix + string(p.Code), Title: http.StatusText(status), Status: status, Detail: p.Detail,
		Code: string(p.Code), Retryable: retryable(status, p.Code), RequestID: requestID(c), Field: p.Field,
	}
	if err := writeJSON(c, status, problemType, body); err != nil {
		s.Logger.Debug("problem not delivered", "request_id", requestID(c), "error", err)
	}
}

// problemOf makes a problem of any error; what it does not know is internal.
func (s *Server) problemOf(err error) *problem.Error {
	if p, ok := errors.AsType[*problem.Error](err); ok {
		return p
	}
	if errors.Is(err, events.ErrNewerVersion) { // another replica is that program, or this one soon
		return problem.Caused(problem.ReadModelUnavailable, "a newer program has written what you ask for: ask again", err)
	}
	var h *echo.HTTPError
	if !errors.As(err, &h) {
		return problem.Caused(problem.Internal, "something went wrong here", err)
	}
	switch h.Code {
	case http.StatusNotFound:
		return problem.New(problem.RouteNotFound, "there is no such route")
	case http.StatusMethodNotAllowed:
		return problem.New(problem.MethodNotAllowed, "the route does not have this method")
	case http.StatusBadRequest:
		return parameterProblem(h)
	}
	return problem.Caused(problem.Internal, "something went wrong here", err)
}

// parameterProblem names the parameter that the generated code could not bind.
func parameterProblem(h *echo.HTTPError) *problem.Error {
	text, _ := h.Message.(string)
	for _, before := range []string{"Invalid format for parameter ", "Expected one value for "} {
		if rest, ok := strings.CutPrefix(text, before); ok {
			name, _, _ := strings.Cut(strings.ReplaceAll(rest, ",", ":"), ":")
			return problem.In(problem.InvalidParameter, name, "the parameter is not of the form that it needs")
		}
	}
	return problem.Caused(problem.InvalidParameter, "a parameter is not of the form that it needs", h)
}

func retryable(status int, c problem.Code) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable || c == problem.Code(room.CodeExpired)
}

func seconds(p *problem.Error) int {
	d := p.RetryAfter
	if d == 0 {
		d = retryAfter[p.Code]
	}
	return max(1, ceil(d))
}

// challenge is the WWW-Authenticate header of RFC 6750.
func challenge(c problem.Code) string {
	if c == problem.TokenMissing {
		return `Bearer realm="roomlog"`
	}
	return `Bearer realm="roomlog", error="invalid_token"`
}
