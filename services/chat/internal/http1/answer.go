package http1

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

// answer is what a handler writes to. It is held back until the handler has returned.
type answer struct {
	exchange *exchange
	*page         // nil: the handler has not begun to answer
	status   int  // zero: not said
	last     bool // the connection ends behind it
}

// page is what an answer takes while it is written; then it is another's. Most handlers
// wait before they answer: those that wait have none, so there are few, and the one that is
// taken is one that was just written.
type page struct {
	header     http.Header
	head, body []byte
	second     int64  // of the date
	date       []byte // of the answer before
}

var pages = sync.Pool{New: func() any { return &page{header: http.Header{}} }}

// maxKept is how large a page may be that is kept for the next answer.
const maxKept = 64 << 10

func (w *answer) conn() *conn { return w.exchange.context.conn }

// open gives the answer a page.
func (w *answer) open() {
	if w.page == nil {
		w.page = pages.Get().(*page)
	}
}

// Header implements [http.ResponseWriter].
func (w *answer) Header() http.Header {
	w.open()
	return w.header
}

// WriteHeader implements [http.ResponseWriter]. There are no informational answers.
func (w *answer) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
}

func (w *answer) Write(b []byte) (int, error) {
	if w.conn().taken {
		return 0, http.ErrHijacked
	}
	w.WriteHeader(http.StatusOK)
	if !hasBody(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	w.open()
	w.body = append(w.body, b...)
	return len(b), nil
}

// hasBody follows RFC 9110, 15.
func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// Hijack implements [http.Hijacker]. Where the handler has given a status, the head is
// sent, and a client of HTTP/1.1 takes what follows for chunks (RFC 9112, 7.1).
func (w *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c := w.conn()
	if c.taken {
		return nil, nil, http.ErrHijacked
	}
	w.open()
	if len(w.body) > 0 {
		return nil, nil, errors.New("hijack: the handler has written to the answer")
	}
	w.exchange.context.unwatch()
	if w.status != 0 {
		w.last = true
		w.begin()
		if w.exchange.request.ProtoAtLeast(1, 1) {
			w.field("Transfer-Encoding", "chunked")
		}
		w.fields()
		if err := w.write(); err != nil {
			return nil, nil, err
		}
	}
	_ = c.SetDeadline(time.Time{})
	in := c.in
	c.taken, c.in = true, nil
	return c.Conn, bufio.NewReadWriter(in, bufio.NewWriter(c.Conn)), nil
}

// send sends the answer of a handler that has returned.
func (w *answer) send() error {
	w.open()
	defer w.release()
	w.WriteHeader(http.StatusOK)
	w.last = w.last || httpguts.HeaderValuesContainsToken(w.header["Connection"], "close") || w.conn().server.stopping.Load()
	w.begin()
	if hasBody(w.status) {
		w.head = append(w.head, "Content-Length: "...)
		w.head = append(strconv.AppendInt(w.head, int64(len(w.body)), 10), crlf...)
	}
	w.fields()
	if w.exchange.request.Method == http.MethodHead {
		w.body = w.body[:0]
	}
	return w.write()
}

// write writes head and body at once.
func (w *answer) write() error {
	w.head = append(w.head, w.body...)
	_, err := w.conn().Write(w.head)
	return err
}

func (w *answer) release() {
	p := w.page
	w.page = nil
	if cap(p.head) > maxKept { // the body is in it
		return
	}
	clear(p.header)
	p.head, p.body = p.head[:0], p.body[:0]
	pages.Put(p)
}

// begin writes the status line, and the fields that the server has a say in.
func (w *answer) begin() {
	w.head = append(w.head, "HTTP/1.1 "...)
	w.head = append(strconv.AppendInt(w.head, int64(w.status), 10), ' ')
	w.head = append(append(w.head, http.StatusText(w.status)...), crlf...)
	if _, ok := w.header["Date"]; !ok {
		w.dated(time.Now())
		w.head = append(append(append(w.head, "Date: "...), w.date...), crlf...)
	}
	if w.last {
		w.field("Connection", "close")
	}
}

// dated sees that the date is that of now: a page is mostly written again in the same
// second.
func (p *page) dated(now time.Time) {
	if second := now.Unix(); second != p.second {
		p.second, p.date = second, now.UTC().AppendFormat(p.date[:0], http.TimeFormat)
	}
}

// fields writes the handler's, and the end of the head.
func (w *answer) fields() {
	for name, values := range w.header {
		switch name {
		case "Connection", "Content-Length", "Transfer-Encoding": // they are the server's
			continue
		}
		for _, v := range values {
			w.field(name, v)
		}
	}
	w.head = append(w.head, crlf...)
}

func (w *answer) field(name, value string) {
	w.head = append(append(w.head, name...), ": "...)
	if strings.IndexByte(value, '\r') >= 0 || strings.IndexByte(value, '\n') >= 0 {
		value = oneLine.Replace(value)
	}
	w.head = append(append(w.head, value...), crlf...)
}

// oneLine keeps a value from being a field or an answer of its own.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")
