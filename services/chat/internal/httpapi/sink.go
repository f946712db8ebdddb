package httpapi

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/position"
)

// sink writes a stream to a client that may be slow: each write has its time, and
// the connection is cut where that is not enough.
type sink struct {
	w       *echo.Response
	control *http.ResponseController
	timeout time.Duration
}

// openSink sends the head of a stream.
func (s *Server) openSink(c echo.Context, at events.Vector) *sink {
	w := c.Response()
	h := w.Header()
	h.Set(position.Header, at.Token())
	h.Set(echo.HeaderContentType, eventStream)
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Accel-Buffering", "no") // proxies that read this do not hold events back
	w.WriteHeader(http.StatusOK)
	return &sink{w: w, control: http.NewResponseController(w), timeout: s.WriteTimeout}
}

func (s *sink) Write(b []byte) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.timeout)) // not all writers of tests have one
	_, err := s.w.Write(b)
	return err
}

func (s *sink) Flush() error {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.timeout))
	return s.control.Flush()
}
