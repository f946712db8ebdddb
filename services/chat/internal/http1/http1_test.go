package http1_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/services/chat/internal/http1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// long is longer than any test.
const long = time.Minute

// started is a server that serves, and stops with the test.
type started struct {
	*http1.Server
	t    testing.TB
	addr string
	done chan error // what Serve gave
}

func start(t testing.TB, handler http.HandlerFunc, options ...func(*http1.Server)) *started {
	t.Helper()
	return startOn(t, listen(t), handler, options...)
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func startOn(t testing.TB, l net.Listener, handler http.HandlerFunc, options ...func(*http1.Server)) *started {
	t.Helper()
	s := &started{
		Server: &http1.Server{
			Handler: handler, Logger: slog.New(slog.DiscardHandler),
			HeadTimeout: long, RequestTimeout: long, IdleTimeout: long, AnswerTimeout: long, MaxHead: 8 << 10,
		},
		t: t, addr: l.Addr().String(), done: make(chan error, 1),
	}
	for _, o := range options {
		o(s.Server)
	}
	go func() { s.done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := s.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client is one end of a connection.
type client struct {
	net.Conn
	t  testing.TB
	in *bufio.Reader
}

func (s *started) dial() *client {
	s.t.Helper()
	return dial(s.t, s.addr)
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{c, t, bufio.NewReader(c)}
}

func (c *client) send(request string) *client {
	c.t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		c.t.Fatal(err)
	}
	return c
}

// answer is what came back, as "status body"; " close" where the connection is to end.
func (c *client) answer(method string) string {
	c.t.Helper()
	got, err := c.read(method)
	if err != nil {
		c.t.Fatal(err)
	}
	return got
}

func (c *client) read(method string) (string, error) {
	r, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	got := strings.TrimSpace(fmt.Sprintf("%d %s", r.StatusCode, b))
	if r.Close {
		got += " close"
	}
	return got, err
}

// ended waits for the connection's end.
func (c *client) ended() {
	c.t.Helper()
	if b, err := io.ReadAll(c.in); len(b) > 0 || isTimeout(err) {
		c.t.Errorf("the connection goes on: %q, %v", b, err)
	}
}

func isTimeout(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// echo answers with what it was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, r.URL, b)
}

const host = "Host: a\r\n"

// A connection is for one request after the other, whether they come in pieces or at once.
func TestRequestsOfAConnection(t *testing.T) {
	c := start(t, echo).dial()
	for _, piece := range []string{"GET /1 HT", "TP/1.1\r\nHo", "st: a\r\n", "\r\n"} {
		c.send(piece)
	}
	if got := c.answer("GET"); got != "200 GET /1" {
		t.Error(got)
	}
	c.send("POST /2 HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\nabPOST /3 HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\nGET /4 HTTP/1.1\r\n" + host + "\r\n")
	for _, want := range []string{"200 POST /2 ab", "200 POST /3 c", "200 GET /4"} {
		if got := c.answer("GET"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What is no request is answered, and ends the connection.
func TestRefusals(t *testing.T) {
	s := start(t, echo)
	large := strings.Repeat("x", 9<<10)
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\n\r\n":                                   "400 400 Bad Request close",
		"GET / HTTP/1.1\r\n" + host + "X-A : b\r\n\r\n":            "400 400 Bad Request close",
		"GET / HTTP/1.1\r\n" + host + "Expect: more\r\n\r\n":       "417 417 Expectation Failed close",
		"GET /" + large + " HTTP/1.1\r\n" + host + "\r\n":          "431 431 Request Header Fields Too Large close",
		"GET / HTTP/1.1\r\n" + host + "X-A: " + large + "\r\n\r\n": "431 431 Request Header Fields Too Large close",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                         "505 505 HTTP Version Not Supported close",
		"\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n":                 "400 400 Bad Request close",
	} {
		c := s.dial().send(request + "GET / HTTP/1.1\r\n" + host + "\r\n")
		if got := c.answer("GET"); got != want {
			t.Errorf("%.60q: %q, want %q", request, got, want)
		}
		c.ended()
	}
}

// What an answer is made of.
func TestAnswers(t *testing.T) {
	large := strings.Repeat("x", 100<<10)
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		method  string
		want    string
	}{
		"nothing":   {func(http.ResponseWriter, *http.Request) {}, "GET", "200"},
		"a status":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "GET", "404"},
		"the first": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202); w.WriteHeader(500) }, "GET", "202"},
		"informal":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(201) }, "GET", "201"},
		"pieces": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "a")
			_, _ = io.WriteString(w, "b")
		}, "GET", "200 ab"},
		"a large one": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large) }, "GET", "200 " + large},
		"its head":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large) }, "HEAD", "200"},
		"no content": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			if _, err := w.Write([]byte("a")); !errors.Is(err, http.ErrBodyNotAllowed) {
				t.Errorf("a body without content: %v", err)
			}
		}, "GET", "204"},
		"the last": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }, "GET", "200 close"},
		"its own length": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "7")
			_, _ = io.WriteString(w, "a")
		}, "GET", "200 a"},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, tc.handler).dial()
			for range 2 {
				c.send(tc.method + " / HTTP/1.1\r\n" + host + "\r\n")
				if got := c.answer(tc.method); got != tc.want {
					t.Errorf("%.100q, want %.100q", got, tc.want)
				}
				if strings.HasSuffix(tc.want, "close") {
					c.ended()
					return
				}
			}
		})
	}
}

func TestFields(t *testing.T) {
	c := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/2" {
			return
		}
		w.Header()["X-A"] = []string{"1", "2"}
		w.Header()["X-B"] = []string{"a\r\nX-C: b", "a\rb", "a\nb"}
	}).dial()
	c.send("GET /1 HTTP/1.1\r\n" + host + "\r\nGET /2 HTTP/1.1\r\n" + host + "\r\n")
	for _, want := range []string{"[1 2] [a  X-C: b a b a b] []", "[] [] []"} { // one answer's fields are not in the next
		r, err := http.ReadResponse(c.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(r.Header["X-A"], r.Header["X-B"], r.Header["X-C"]); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if at, err := http.ParseTime(r.Header.Get("Date")); err != nil || time.Since(at).Abs() > 10*time.Second {
			t.Errorf("date %v, %v", at, err)
		}
		_ = r.Body.Close()
	}
}

// A client that waits to be asked for the body is asked by the one who reads it.
func TestExpectContinue(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			echo(w, r)
		}
	})
	const head = " HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
	c := s.dial().send("POST /read" + head)
	if got := c.answer("POST"); got != "100" {
		t.Error(got)
	}
	if got := c.send("ab").answer("POST"); got != "200 POST /read ab" {
		t.Error(got)
	}
	c.send("POST /unread" + head)
	if got := c.answer("POST"); got != "200 close" {
		t.Error(got)
	}
	c.ended()
}

// What a handler leaves of a body is not the next request.
func TestUnreadBodies(t *testing.T) {
	s := start(t, func(http.ResponseWriter, *http.Request) {})
	next := "GET / HTTP/1.1\r\n" + host + "\r\n"
	for name, tc := range map[string]struct {
		head, body string
		want       string
	}{
		"short":        {"Content-Length: 100", strings.Repeat("x", 100), "200"},
		"late":         {"Content-Length: 100000", strings.Repeat("x", 100_000), "200"},
		"chunked":      {"Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n", "200"},
		"large":        {"Content-Length: 300000", strings.Repeat("x", 1000), "200 close"},
		"large chunks": {"Transfer-Encoding: chunked", "61a80\r\n" + strings.Repeat("x", 400_000) + "\r\n0\r\n\r\n", "200"}, // and the end, unannounced
		"broken":       {"Transfer-Encoding: chunked", "x\r\n", "200"},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.dial().send("POST / HTTP/1.1\r\n" + host + tc.head + "\r\n\r\n")
			if got := c.answer("POST"); got != tc.want { // it does not wait for the body
				t.Errorf("%q, want %q", got, tc.want)
			}
			_, _ = io.WriteString(c, tc.body)
			if name == "large" || name == "large chunks" || name == "broken" {
				c.ended()
				return
			}
			if got := c.send(next).answer("GET"); got != "200" {
				t.Errorf("the next: %q", got)
			}
		})
	}
}

// Who sends much that nobody reads has its answer all the same, and not a reset.
func TestAnswerBehindABody(t *testing.T) {
	c := start(t, func(http.ResponseWriter, *http.Request) {}).dial()
	c.send("POST / HTTP/1.1\r\n" + host + "Content-Length: 300000\r\n\r\n" + strings.Repeat("x", 300_000))
	if got := c.answer("POST"); got != "200 close" {
		t.Error(got)
	}
	if _, err := io.ReadAll(c.in); err != nil {
		t.Error(err)
	}
}

// A handler that panics gets no answer out, and the server goes on.
func TestPanics(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "a")
		panic("x")
	})
	for _, path := range []string{"/", "/abort"} {
		s.dial().send("GET " + path + " HTTP/1.1\r\n" + host + "\r\n").ended()
	}
}

// Answers at the same time are not mixed up.
func TestManyConnections(t *testing.T) {
	s := start(t, echo)
	done := make(chan error)
	const connections = 20
	for i := range connections {
		c := s.dial()
		go func() {
			for j := range 50 {
				path := fmt.Sprintf("/%d/%s", i, strings.Repeat("x", i*300))
				if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\n"+host+"\r\n"); err != nil {
					done <- err
					return
				}
				if got, err := c.read("GET"); err != nil || got != "200 GET "+path {
					done <- fmt.Errorf("request %d: %.100q, %w", j, got, err)
					return
				}
			}
			done <- nil
		}()
	}
	for range connections {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
