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

// run sends a stream until it ends.
func (s *Server) run(c echo.Context, req query.Request, at events.Vector, track live.Track, sub *live.Subscription) {
	valid, stop := s.Revocations.While(context.WithoutCancel(c.Request().Context()), req.Who)
	defer stop()
	session := live.Session{Track: track, Sink: s.openSink(c, at), Expires: req.Who.Expires, Revoked: valid.Done(), Stop: s.Stop}
	s.Metrics.StreamOpened()
	err := session.Run(c.Request().Context(), sub)
	s.Metrics.StreamClosed(streamEnd(err))
	if err != nil {
		s.Logger.Debug("stream broke off", "request_id", requestID(c), "error", err)
	}
}

func streamEnd(err error) string {
	if err != nil {
		return "broken"
	}
	return "ended"
}

// enter counts one more stream or long poll of someone's, and notes that they are
// there; leave is its end.
func (s *Server) enter(who auth.Identity) (leave func(), err error) {
	if !s.streams.enter(who) {
		return nil, problem.New(problem.TooManyStreams, "you have too many streams and long polls open")
	}
	s.Board.Enter(who.Account())
	return func() {
		s.streams.leave(who)
		s.Board.Leave(who.Account())
	}, nil
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
