// Package httpapi is the chat API over HTTP: handlers decode, call and encode.
// The routes are those of api/openapi.yaml, from which internal/api is generated.
package httpapi

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/ephemeral"
	"github.com/roomlog/roomlog/services/chat/internal/live"
	"github.com/roomlog/roomlog/services/chat/internal/position"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// Metrics counts requests and streams.
type Metrics interface {
	Request(method, route string, status int, took time.Duration)
	StreamOpened()
	StreamClosed(code string)
}

// Config is what a server needs.
type Config struct {
	Auth *auth.Verifier
	// Revocations are the good tokens that are refused.
	Revocations *auth.Revocations
	Commands    *command.Service
	Reads       *query.Service
	Gate        *position.Gate
	Hub         *live.Hub
	Board       *ephemeral.Board
	Metrics     Metrics
	Logger      *slog.Logger
	Now         func() time.Time
	// NewID makes ids of requests and of rooms.
	NewID  func(now time.Time) string
	Limits Limits
	// WriteTimeout is how long a stream's client may take for what is sent to it.
	WriteTimeout time.Duration
	// Stop is closed when the server is stopping: streams end.
	Stop <-chan struct{}
}

// Server is the API. It implements [api.ServerInterface].
type Server struct {
	Config
	router            *echo.Echo
	spec              *spec
	requests, streams *counter
	handovers         handovers
}

var _ api.ServerInterface = (*Server)(nil)

// New makes the API.
func New(c Config) (*Server, error) {
	doc, err := parseSpec()
	if err != nil {
		return nil, err
	}
	e := echo.New()
	s := &Server{
		Config: c, router: e, spec: doc, requests: newCounter(c.Limits.Requests), streams: newCounter(c.Limits.Streams),
		handovers: handovers{open: map[net.Conn]struct{}{}},
	}
	e.HideBanner, e.HidePort = true, true
	api.RegisterHandlers(e, s)
	for _, r := range e.Routes() {
		if route := r.Method + " " + r.Path; access[route] == 0 {
			return nil, fmt.Errorf("nobody has said who may call %s", route)
		}
	}
	return s, nil
}

// ServeHTTP implements [http.Handler]. It is Echo's own, without middleware: Echo builds
// the chain of that anew for each request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := s.router.AcquireContext()
	c.Reset(r, w)
	s.router.Router().Find(r.Method, echo.GetPath(r), c)
	s.serve(c) //nolint:contextcheck // the request is in c
	s.router.ReleaseContext(c)
}

// GetOpenapi serves the description of the API.
func (s *Server) GetOpenapi(c echo.Context) error {
	return write(c, http.StatusOK, echo.MIMEApplicationJSON, s.spec.json)
}

// GetMe tells who the token says the caller is.
func (s *Server) GetMe(c echo.Context) error {
	who := identity(c)
	me := api.Me{
		User: string(who.User), Actor: string(who.Actor), Tenant: string(who.Tenant), Scopes: make([]api.Scope, len(who.Scopes)),
		ExpiresAt: readmodel.Time(who.Expires.UnixMilli()),
	}
	for i, sc := range who.Scopes {
		me.Scopes[i] = api.Scope(sc)
	}
	return writeJSON(c, http.StatusOK, echo.MIMEApplicationJSON, me)
}
