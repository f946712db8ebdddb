package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
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
		begun := time.Now()
		r, err := c.read(begun)
		if err != nil {
			c.refuse(err)
			return
		}
		if !c.answer(r) {
			return
		}
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

// refusal is why a request is not given to the handler.
type refusal int

func (r refusal) Error() string { return http.StatusText(int(r)) }

// read reads the head of a request. Requests mostly come in one piece; for one that does
// not there are deadlines.
func (c *conn) read(begun time.Time) (*http.Request, error) {
	if b, _ := c.in.Peek(c.in.Buffered()); !bytes.Contains(b, []byte("\r\n\r\n")) {
		c.readBy.exactly(begun.Add(c.server.HeadTimeout))
	}
	c.source.left = max(c.server.MaxHead-c.in.Buffered(), 0)
	r, err := http.ReadRequest(c.in)
	c.source.left = math.MaxInt
	if err != nil {
		return nil, err
	}
	if r.ContentLength < 0 || r.ContentLength > int64(c.in.Buffered()) {
		c.readBy.exactly(begun.Add(c.server.RequestTimeout))
	}
	return r, check(r)
}

// check refuses what net/http's server refuses and its parser lets through.
func check(r *http.Request) error {
	switch {
	case r.ProtoMajor != 1:
		return refusal(http.StatusHTTPVersionNotSupported)
	case r.ProtoMinor > 0 && r.Host == "", !httpguts.ValidHostHeader(r.Host):
		return refusal(http.StatusBadRequest)
	case r.Header.Get("Expect") != "" && !expectsContinue(r):
		return refusal(http.StatusExpectationFailed)
	}
	for name := range r.Header { // one with a space before its colon
		if !httpguts.ValidHeaderFieldName(name) {
			return refusal(http.StatusBadRequest)
		}
	}
	return nil
}

func expectsContinue(r *http.Request) bool {
	return httpguts.HeaderValuesContainsToken(r.Header["Expect"], "100-continue")
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

// answer has a request answered, and says whether the connection goes on.
func (c *conn) answer(r *http.Request) bool {
	ctx := newContext(c, r)
	body := &body{ReadCloser: r.Body, context: ctx, left: r.ContentLength, expected: !ctx.read && expectsContinue(r)}
	r = r.WithContext(ctx)
	r.RemoteAddr = c.remote
	if !ctx.read {
		r.Body = body
	}
	w := newAnswer(ctx, r)
	ok := c.handle(w, r)
	ctx.end()
	if c.taken || !ok {
		return false
	}
	unread := body.unread()
	if unread > maxDrain || body.expected {
		w.last = true
	}
	if err := w.send(); err != nil {
		return false
	}
	if unread > 0 && (w.last || !body.drain()) {
		c.linger()
		return false
	}
	return !w.last
}

// handle calls the handler; false: it panicked, and there is no answer.
func (c *conn) handle(w *answer, r *http.Request) (ok bool) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so too
			c.server.Logger.Error("handler panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	c.server.Handler.ServeHTTP(w, r)
	return true
}

// readAhead reads a byte of the next request; false: there is none, the connection has
// come to its end.
func (c *conn) readAhead() bool {
	b := make([]byte, 1)
	n, err := c.Read(b)
	c.source.ahead = b[:n]
	return err == nil || errors.Is(err, os.ErrDeadlineExceeded)
}
