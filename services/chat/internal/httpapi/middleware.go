package httpapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Values that answers share. A send's answer has eight headers: a ninth would double
// what its map costs, and the copy that net/http makes of it.
var (
	noSniff = []string{"nosniff"}
	noStore = []string{"private, no-store"}
)

// observe gives the request its id, and the answer the headers that every answer
// has; what is to be done at the request's end is done behind it.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		x := &exchange{Context: c, id: r.Header.Get(echo.HeaderXRequestID), method: r.Method, begun: time.Now()}
		if !validRequestID(x.id) {
			x.id = s.NewID()
		}
		h := c.Response().Header()
		h[echo.HeaderXRequestID] = []string{x.id}
		h["X-Content-Type-Options"] = noSniff
		if lines := r.Header["Prefer"]; len(lines) > 1 { // a list may stand in several lines (RFC 9110, 5.3)
			r.Header["Prefer"] = []string{strings.Join(lines, ", ")}
		}
		if r.Body == http.NoBody {
			requestRead(c)
		}
		defer func() {
			if x.Context != nil {
				x.route, x.status = c.Path(), c.Response().Status
				s.end(r.Context(), x)
			}
		}()
		if err := next(x); err != nil {
			s.handleError(err, x)
		}
		return nil
	}
}

// recoverPanic makes a panic an internal error.
func (s *Server) recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				if r == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so too
					panic(r)
				}
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		return next(c)
	}
}

// refuseTokenInURL keeps tokens out of logs and histories.
func (s *Server) refuseTokenInURL(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().URL.RawQuery != "" {
			q := c.QueryParams()
			for _, name := range []string{"access_token", "token"} {
				if q.Has(name) {
					return problem.In(problem.TokenInURL, name, "a token belongs into the Authorization header; this one is no longer a secret")
				}
			}
		}
		return next(c)
	}
}

// checkParameters refuses query parameters that the route does not have, those that
// stand twice, and those that are empty.
func (s *Server) checkParameters(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().URL.RawQuery == "" {
			return next(c)
		}
		op, ok := s.spec.operations[c.Request().Method+" "+c.Path()]
		if !ok {
			return next(c)
		}
		for name, values := range c.QueryParams() {
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
		return next(c)
	}
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
