package httpapi

import (
	"bufio"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/live"
	"github.com/roomlog/roomlog/services/chat/internal/position"
)

// endPatience is for how long a client may keep its end of a stream waiting. It is
// less than there is when the server stops; who does not get it resumes from the
// last id.
const endPatience = 2 * time.Second

// openSink sends the head of a stream. Where the server lets it, it takes the
// connection over: it is for nothing else behind the stream. Else conn is nil.
func (s *Server) openSink(c echo.Context, at events.Vector) (sink live.Sink, conn net.Conn) {
	w, r := c.Response(), c.Request()
	h := w.Header()
	h.Set(position.Header, at.Token())
	h.Set(echo.HeaderContentType, eventStream)
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Accel-Buffering", "no") // proxies that read this do not hold events back
	if r.ProtoMajor == 1 {
		h.Set(echo.HeaderConnection, "close")
	}
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	if conn = s.handovers.take(control); conn == nil {
		return &responseSink{w: w, control: control, timeout: s.WriteTimeout}, nil
	}
	return &connSink{conn: conn, chunked: r.ProtoAtLeast(1, 1), timeout: s.WriteTimeout}, conn
}

// connSink writes to a connection that is the stream's own. While nothing is on the
// way out, it holds no buffer.
type connSink struct {
	conn    net.Conn
	chunked bool
	timeout time.Duration // of each write
	out     *bufio.Writer // nil: there is nothing in it
}

var (
	outs      = sync.Pool{New: func() any { return bufio.NewWriter(nil) }}
	crlf      = []byte("\r\n")
	lastChunk = []byte("0\r\n\r\n")
)

func (s *connSink) Write(b []byte) error {
	if s.out == nil {
		s.out = outs.Get().(*bufio.Writer)
		s.out.Reset((*chunks)(s))
	}
	_, err := s.out.Write(b)
	return err
}

func (s *connSink) Flush() error {
	if s.out == nil {
		return nil
	}
	err := s.out.Flush()
	s.out.Reset(nil)
	outs.Put(s.out)
	s.out = nil
	return err
}

func (s *connSink) End(b []byte) error {
	s.timeout = min(s.timeout, endPatience)
	if err := s.Write(b); err != nil {
		return err
	}
	if err := s.Flush(); err != nil || !s.chunked {
		return err
	}
	_, err := s.conn.Write(lastChunk)
	return err
}

// chunks writes what is written as chunks (RFC 9112, 7.1), where there are such.
type chunks connSink

func (s *chunks) Write(b []byte) (int, error) {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.timeout)); err != nil {
		return 0, err
	}
	if !s.chunked {
		return s.conn.Write(b)
	}
	size := append(strconv.AppendInt(make([]byte, 0, 16), int64(len(b)), 16), crlf...)
	if _, err := (&net.Buffers{size, b, crlf}).WriteTo(s.conn); err != nil {
		return 0, err
	}
	return len(b), nil
}

// responseSink writes to a response that the server keeps, as that of HTTP/2.
type responseSink struct {
	w       *echo.Response
	control *http.ResponseController
	timeout time.Duration // of each write
}

func (s *responseSink) Write(b []byte) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.timeout)) // not all writers of tests have one
	_, err := s.w.Write(b)
	return err
}

func (s *responseSink) Flush() error {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.timeout))
	return s.control.Flush()
}

func (s *responseSink) End(b []byte) error {
	s.timeout = min(s.timeout, endPatience)
	if err := s.Write(b); err != nil {
		return err
	}
	return s.Flush()
}
