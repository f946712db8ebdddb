package httpapi

import (
	"context"
	"mime"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/live"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

const eventStream = "text/event-stream"

// run sends a stream until it ends; or hands it over, where it can.
func (s *Server) run(c echo.Context, req query.Request, at events.Vector, track live.Track, sub *live.Subscription) {
	x, ctx := exchangeOf(c), context.WithoutCancel(c.Request().Context())
	valid, stop := s.Revocations.While(ctx, req.Who)
	x.atEnd(stop)
	sink, conn := s.openSink(c, at)
	session := &live.Session{Track: track, Sink: sink, Expires: req.Who.Expires, Revoked: valid.Done(), Stop: s.Stop}
	if conn == nil {
		s.send(c.Request().Context(), x, session, sub)
		return
	}
	x.handOver()
	s.handovers.send(ctx, conn, func(ctx context.Context) {
		defer s.end(ctx, x)
		s.send(ctx, x, session, sub)
	})
}

// send runs a session to its end.
func (s *Server) send(ctx context.Context, x *exchange, session *live.Session, sub *live.Subscription) {
	s.Metrics.StreamOpened()
	how := "broken"
	defer func() {
		if p := recover(); p != nil { // in a goroutine of its own it would end the program
			s.Logger.Error("stream panicked", "request_id", x.id, "panic", p)
		}
		s.Metrics.StreamClosed(how)
	}()
	end, err := session.Run(ctx, sub)
	if end != "" {
		how = end
	}
	if err != nil {
		s.Logger.Debug("stream broke off", "request_id", x.id, "error", err)
	}
}

// Drain waits until the streams have ended, each with its reason, and cuts off those
// that have not when ctx ends. A server that is shut down does not know of them: it
// comes after that.
func (s *Server) Drain(ctx context.Context) error { return s.handovers.drain(ctx) }

// enter counts one more stream or long poll of someone's, until the request ends, and
// notes that they are there.
func (s *Server) enter(c echo.Context, who auth.Identity) error {
	account := who.Account()
	if !s.streams.enter(account) {
		return problem.New(problem.TooManyStreams, "you have too many streams and long polls open")
	}
	s.Board.Enter(account)
	exchangeOf(c).atEnd(func() {
		s.streams.leave(account)
		s.Board.Leave(account)
	})
	return nil
}

// wantsStream reports whether the client asks for server-sent events.
func wantsStream(c echo.Context) bool {
	return accepts(c.Request().Header.Get(echo.HeaderAccept), eventStream)
}

// accepts reports whether an Accept header names the type, other than to refuse it.
func accepts(header, want string) bool {
	for part := range strings.SplitSeq(header, ",") {
		kind, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil || kind != want {
			continue
		}
		q, err := strconv.ParseFloat(params["q"], 64)
		return err != nil || q > 0
	}
	return false
}
