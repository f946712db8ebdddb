package http1

import (
	"bytes"
	"math"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

// exchange is a request and its answer: what they take, at once. Where nobody can have
// anything of it any more, the next one has its memory.
type exchange struct {
	request *http.Request // nil: not read
	plain   *plainRequest // nil: there was none
	context requestContext
	body    body
	answer  answer
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// newExchange is what a connection takes for its next request.
func newExchange(c *conn) *exchange {
	x := exchanges.Get().(*exchange)
	x.context.conn = c
	return x
}

// release gives the memory of an exchange away whose end nobody has asked for: who has
// derived a context, or waits for one, may have it still.
func (x *exchange) release() {
	if x.context.asked() {
		return
	}
	if x.plain != nil {
		x.plain = x.plain.cleared()
	}
	*x = exchange{plain: x.plain}
	exchanges.Put(x)
}

// read reads the head of a request. Requests mostly come in one piece; for one that does
// not there are deadlines.
func (x *exchange) read(begun time.Time) error {
	c := x.context.conn
	b, _ := c.in.Peek(c.in.Buffered())
	switch end := bytes.Index(b, []byte(headEnd)); {
	case end < 0:
		c.readBy.exactly(begun.Add(c.server.HeadTimeout))
	case x.readPlain(b[:end+len(crlf)]):
		_, _ = c.in.Discard(end + len(headEnd)) // it is buffered
	}
	if x.request == nil {
		c.source.left = max(c.server.MaxHead-c.in.Buffered(), 0)
		r, err := http.ReadRequest(c.in)
		c.source.left = math.MaxInt
		if err != nil {
			return err
		}
		x.request = r.WithContext(&x.context)
		if err := check(r); err != nil {
			return err
		}
	}
	if length := x.request.ContentLength; length < 0 || length > int64(c.in.Buffered()) {
		c.readBy.exactly(begun.Add(c.server.RequestTimeout))
	}
	return nil
}

// refusal is why a request is not given to the handler.
type refusal int

func (r refusal) Error() string { return http.StatusText(int(r)) }

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

// serve has the request answered, and says whether the connection goes on.
func (x *exchange) serve() bool {
	c := x.context.conn
	r := x.request
	r.RemoteAddr = c.remote
	x.context.read = r.Body == http.NoBody
	if !x.context.read {
		x.body = body{ReadCloser: r.Body, context: &x.context, left: r.ContentLength, expected: expectsContinue(r)}
		r.Body = &x.body
	}
	x.answer = answer{exchange: x, last: r.Close || !r.ProtoAtLeast(1, 1)}
	ok := x.handle()
	x.context.end()
	if c.taken || !ok {
		x.request, x.plain, x.answer.page = nil, nil, nil // a stream has the context for as long as it lasts
		return false
	}
	unread := x.body.unread()
	if unread > maxDrain || x.body.expected {
		x.answer.last = true
	}
	if err := x.answer.send(); err != nil {
		return false
	}
	if unread > 0 && (x.answer.last || !x.body.drain()) {
		c.linger()
		return false
	}
	return !x.answer.last
}

// handle calls the handler; false: it panicked, and there is no answer.
func (x *exchange) handle() (ok bool) {
	server := x.context.conn.server
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so too
			server.Logger.Error("handler panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	server.Handler.ServeHTTP(&x.answer, x.request)
	return true
}
