package http1

import (
	"bufio"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	// maxDrain is how much of a request's body is read behind an answer that did not wait
	// for it, so that the connection can go on.
	maxDrain = 256 << 10
	// linger is how long a connection that ends may have something to read still: to close
	// it before would take the answer away from a client that is sending.
	linger = 500 * time.Millisecond
)

// What a connection is doing.
const (
	idle   = iota // waiting for a request; it may be closed
	active        // reading or answering one
	closed
)

// conn is a client's connection. One goroutine has it.
type conn struct {
	net.Conn
	server  *Server
	remote  string
	state   atomic.Int32
	source  source
	in      *bufio.Reader
	readBy  deadline
	writeBy deadline
	taken   bool // over by a handler
}

func newConn(s *Server, n net.Conn) *conn {
	c := &conn{
		Conn: n, server: s, remote: n.RemoteAddr().String(),
		source: source{from: n, left: math.MaxInt}, readBy: deadline{set: n.SetReadDeadline}, writeBy: deadline{set: n.SetWriteDeadline},
	}
	c.in = bufio.NewReader(&c.source)
	return c
}

// source is what a connection is read from.
type source struct {
	from  net.Conn
	left  int    // how much a head may still have
	ahead []byte // what was read while the client was watched
	err   error  // of the connection
}

var errHead = errors.New("the head is too large")

func (s *source) Read(p []byte) (int, error) {
	if n := copy(p, s.ahead); n > 0 {
		s.ahead = s.ahead[n:]
		return n, nil
	}
	if s.left == 0 {
		return 0, errHead
	}
	n, err := s.from.Read(p[:min(len(p), s.left)])
	s.left -= n
	s.err = err
	return n, err
}

// deadline is when reads or writes end. To set one takes a quarter of a microsecond.
type deadline struct {
	at  time.Time // zero: there is none
	set func(time.Time) error
}

func (d *deadline) exactly(at time.Time) {
	d.at = at
	_ = d.set(at) // of a connection that is closed, which the next read or write says
}

// about gives least, and at most twice as much.
func (d *deadline) about(least time.Duration) {
	if left := time.Until(d.at); left < least || left > 2*least {
		d.exactly(time.Now().Add(2 * least))
	}
}

// Write gives the client the time of an answer.
func (c *conn) Write(b []byte) (int, error) {
	c.writeBy.about(c.server.AnswerTimeout)
	return c.Conn.Write(b)
}

// serve answers one request after the other.
func (c *conn) serve() {
	defer c.end()
	c.readBy.exactly(time.Now().Add(c.server.HeadTimeout))
	for c.await() {
		x := newExchange(c)
		if err := x.read(time.Now()); err != nil {
			c.refuse(err)
			return
		}
		if !x.serve() {
			return
		}
		x.release()
		c.readBy.about(c.server.IdleTimeout)
	}
}

func (c *conn) end() {
	if !c.taken {
		_ = c.Close()
	}
	c.server.leave(c)
}

// await waits for the first byte of a request.
func (c *conn) await() bool {
	c.state.Store(idle) // before stopping is looked at: Shutdown looks the other way round
	if c.server.stopping.Load() {
		return false
	}
	if _, err := c.in.Peek(1); err != nil {
		return false
	}
	return c.state.CompareAndSwap(idle, active)
}

// refuse answers what is no request, where there is somebody to read it.
func (c *conn) refuse(err error) {
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, errHead):
		status = http.StatusRequestHeaderFieldsTooLarge
	case c.source.err != nil:
		return
	default:
		if r, ok := errors.AsType[refusal](err); ok {
			status = int(r)
		}
	}
	c.server.Logger.Debug("not a request", "error", err, "status", status)
	line := strconv.Itoa(status) + " " + http.StatusText(status)
	if _, err := io.WriteString(c, "HTTP/1.1 "+line+"\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"+line); err == nil {
		c.linger()
	}
}

// linger tells the client that there is no more, and waits until it has heard.
func (c *conn) linger() {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	c.readBy.exactly(time.Now().Add(linger))
	_, _ = io.Copy(io.Discard, c)
}

// readAhead reads a byte of the next request; false: there is none, the connection has
// come to its end.
func (c *conn) readAhead() bool {
	b := make([]byte, 1)
	n, err := c.Read(b)
	c.source.ahead = b[:n]
	return err == nil || errors.Is(err, os.ErrDeadlineExceeded)
}
