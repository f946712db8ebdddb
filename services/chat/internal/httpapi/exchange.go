package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/services/chat/internal/auth"
)

// exchange is a request and its answer, under way: the context of all handlers. It ends
// when the handler returns; one that was handed over to a stream ends with that.
type exchange struct {
	echo.Context  // nil: handed over, and Echo's again
	id            string
	method, route string
	who           auth.Identity // nobody: the route asks for no token
	need          need
	counted       bool // among the requests that who has under way
	status        int
	begun         time.Time
	ends          []func()
	header        http.Header // of the answer; nil: nobody has asked for the answer
	fields        []field     // of the header, while nobody has
	space         [6]field    // for those of a send
}

// field is a header of the answer, with its value as the list of one that it is there.
type field struct {
	name  string
	value [1]string
}

func exchangeOf(c echo.Context) *exchange { return c.(*exchange) }

func requestID(c echo.Context) string { return exchangeOf(c).id }

// set sets a header of the answer. Until the answer is asked for it is kept here: most
// requests wait first, and one that waits has no memory of the server's for an answer.
func (x *exchange) set(name, value string) {
	x.fields = append(x.fields, field{name, [1]string{value}})
	if x.header != nil {
		x.fields[len(x.fields)-1].put(x.header)
	}
}

func (f *field) put(h http.Header) { h[f.name] = f.value[:] }

// Response implements [echo.Context]: the answer, with the headers that were set. Echo's own
// Blob and the like do not ask for it here, and answer without them.
func (x *exchange) Response() *echo.Response {
	r := x.Context.Response()
	if x.header == nil {
		x.header = r.Header()
		x.header["X-Content-Type-Options"] = noSniff
		for i := range x.fields {
			x.fields[i].put(x.header)
		}
	}
	return r
}

// atEnd has f called when the exchange ends, before what was given earlier.
func (x *exchange) atEnd(f func()) { x.ends = append(x.ends, f) }

// handOver leaves the end to a stream.
func (x *exchange) handOver() {
	x.route, x.status = x.Path(), http.StatusOK
	x.Context, x.header = nil, nil
}

// end ends an exchange: it is counted and logged, never with bodies or tokens.
func (s *Server) end(ctx context.Context, x *exchange) {
	for _, f := range slices.Backward(x.ends) {
		f()
	}
	if x.counted {
		s.requests.leave(x.who.Account())
	}
	if x.route == "" {
		x.route = "none"
	}
	took := s.Now().Sub(x.begun)
	s.Metrics.Request(x.method, x.route, x.status, took)
	if !s.Logger.Enabled(ctx, slog.LevelDebug) { // or its arguments cost more than it
		return
	}
	s.Logger.Debug("request", "request_id", x.id, "method", x.method, "route", x.route, "status", x.status, "took", took)
}
