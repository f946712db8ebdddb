package httpapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Values that answers share. A send's answer has eight headers: a ninth would double
// what its map costs.
var (
	noSniff = []string{"nosniff"}
	noStore = []string{"private, no-store"}
)

// serve gives the request its id, and the answer the headers that every answer has; what
// is to be done at the request's end is done behind it.
func (s *Server) serve(c echo.Context) {
	r := c.Request()
	x := &exchange{Context: c, id: first(r.Header, echo.HeaderXRequestID), method: r.Method, begun: s.Now()}
	if !validRequestID(x.id) {
		x.id = s.NewID(x.begun)
	}
	x.fields = x.space[:0]
	x.set(echo.HeaderXRequestID, x.id)
	if lines := r.Header["Prefer"]; len(lines) > 1 { // a list may stand in several lines (RFC 9110, 5.3)
		r.Header["Prefer"] = []string{strings.Join(lines, ", ")}
	}
	defer func() {
		if x.Context != nil {
			x.route, x.status = c.Path(), c.Response().Status
			s.end(r.Context(), x)
		}
	}()
	if err := s.admit(x); err != nil {
		s.handleError(err, x)
	}
}

// admit has a request that passes all checks handled. It makes a panic an internal
// error.
func (s *Server) admit(x *exchange) (err error) {
	defer func() {
		if r := recover(); r != nil {
			if r == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so too
				panic(r)
			}
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	for _, check := range [...]func(*exchange) error{refuseTokenInURL, s.authenticate, s.limit, s.checkParameters} {
		if err := check(x); err != nil {
			return err
		}
	}
	return x.Handler()(x)
}

// refuseTokenInURL keeps tokens out of logs and histories.
func refuseTokenInURL(x *exchange) error {
	if x.Request().URL.RawQuery == "" {
		return nil
	}
	q := x.QueryParams()
	for _, name := range []string{"access_token", "token"} {
		if q.Has(name) {
			return problem.In(problem.TokenInURL, name, "a token belongs into the Authorization header; this one is no longer a secret")
		}
	}
	return nil
}

// checkParameters refuses query parameters that the route does not have, those that
// stand twice, and those that are empty.
func (s *Server) checkParameters(x *exchange) error {
	if x.Request().URL.RawQuery == "" {
		return nil
	}
	op, ok := s.spec.operations[x.Request().Method+" "+x.Path()]
	if !ok {
		return nil
	}
	for name, values := range x.QueryParams() {
		if !slices.Contains(op.query, name) {
			return problem.In(problem.UnknownParameter, fmt.Sprintf("%.128s", name), "the route has no such parameter")
		}
		if len(values) > 1 {
			return problem.In(problem.InvalidParameter, name, "the parameter is there twice")
		}
		if values[0] == "" {
			return problem.In(problem.InvalidParameter, name, "the parameter is empty: leave it out")
		}
	}
	return nil
}

func validRequestID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		b := id[i]
		if (b < '0' || b > '9') && (b < 'A' || b > 'Z') && (b < 'a' || b > 'z') && b != '.' && b != '_' && b != '-' {
			return false
		}
	}
	return true
}
