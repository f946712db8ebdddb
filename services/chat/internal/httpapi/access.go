package httpapi

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// need is what a route asks of whoever calls it.
type need int

const (
	noToken need = iota + 1
	anyToken
	toRead
	toWrite
)

// access is what each route needs: the one place that says it. [New] refuses a
// route that is not here.
var access = map[string]need{
	"GET /openapi.json":                      noToken,
	"GET /v1/me":                             anyToken,
	"PUT /v1/direct/:user":                   toWrite,
	"PUT /v1/read":                           toWrite,
	"PUT /v1/users/:user/tokens":             toWrite,
	"GET /v1/events":                         toRead,
	"GET /v1/rooms":                          toRead,
	"POST /v1/rooms":                         toWrite,
	"GET /v1/rooms/:room":                    toRead,
	"PUT /v1/rooms/:room":                    toWrite,
	"PATCH /v1/rooms/:room":                  toWrite,
	"DELETE /v1/rooms/:room":                 toWrite,
	"PUT /v1/rooms/:room/rules":              toWrite,
	"PUT /v1/rooms/:room/preferences":        toWrite,
	"PUT /v1/rooms/:room/read":               toWrite,
	"PUT /v1/rooms/:room/delivered":          toWrite,
	"GET /v1/rooms/:room/members":            toRead,
	"GET /v1/rooms/:room/members/:user":      toRead,
	"PUT /v1/rooms/:room/members/:user":      toWrite,
	"GET /v1/rooms/:room/messages":           toRead,
	"POST /v1/rooms/:room/messages":          toWrite,
	"GET /v1/rooms/:room/messages/:event_id": toRead,
	"GET /v1/rooms/:room/events":             toRead,
	"GET /v1/rooms/:room/presence":           toRead,
	"PUT /v1/rooms/:room/typing":             toWrite,
	"GET /v1/rooms/:room/state":              toRead,
	"GET /v1/rooms/:room/outcomes/:event_id": toRead,

	"PATCH /v1/rooms/:room/messages/:event_id":                 toWrite,
	"DELETE /v1/rooms/:room/messages/:event_id":                toWrite,
	"GET /v1/rooms/:room/messages/:event_id/history":           toRead,
	"GET /v1/rooms/:room/messages/:event_id/thread":            toRead,
	"GET /v1/rooms/:room/messages/:event_id/reactions":         toRead,
	"PUT /v1/rooms/:room/messages/:event_id/reactions/:key":    toWrite,
	"DELETE /v1/rooms/:room/messages/:event_id/reactions/:key": toWrite,
	"POST /v1/rooms/:room/redactions":                          toWrite,
	"GET /v1/rooms/:room/threads":                              toRead,
	"GET /v1/rooms/:room/pins":                                 toRead,
	"PUT /v1/rooms/:room/pins/:event_id":                       toWrite,
	"DELETE /v1/rooms/:room/pins/:event_id":                    toWrite,
}

// scope is what the token must have; empty: nothing in particular.
func (n need) scope() auth.Scope {
	switch n {
	case toRead:
		return auth.Read
	case toWrite:
		return auth.Write
	default:
		return ""
	}
}

// authenticate tells who the request is from, and whether they may call the route.
func (s *Server) authenticate(x *exchange) error {
	r := x.Request()
	n, ok := access[r.Method+" "+x.Path()]
	if !ok || n == noToken { // where there is no such route, that is left to say so
		return nil
	}
	who, err := s.Auth.Verify(r.Context(), first(r.Header, echo.HeaderAuthorization))
	if err == nil {
		err = s.Revocations.Check(r.Context(), who)
	}
	if err != nil {
		return err
	}
	if scope := n.scope(); scope != "" && !who.May(scope) {
		return problem.New(problem.InsufficientScope, fmt.Sprintf("the token does not have the scope %q", scope))
	}
	if persons, ok := r.Header[auth.ActAsHeader]; ok {
		if len(persons) > 1 {
			return problem.In(problem.InvalidID, auth.ActAsHeader, "the header is there twice")
		}
		if who, err = who.ActAs(persons[0]); err != nil {
			return err
		}
	}
	x.who, x.need = who, n
	return nil
}

func identity(c echo.Context) auth.Identity { return exchangeOf(c).who }
