package http1_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/chat/internal/http1"
)

const (
	short = 50 * time.Millisecond
	get   = "GET / HTTP/1.1\r\n" + host + "\r\n"
)

// Who keeps the server waiting is cut off, each by the time that is theirs.
func TestTimeouts(t *testing.T) {
	const halfABody = "POST / HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\na"
	for name, tc := range map[string]struct {
		option func(*http1.Server)
		sent   string
		answer string // the first one, if any
	}{
		"nothing":          {func(s *http1.Server) { s.HeadTimeout = short }, "", ""},
		"half a head":      {func(s *http1.Server) { s.HeadTimeout = short }, "GET / HT", ""},
		"half a body":      {func(s *http1.Server) { s.RequestTimeout = short }, halfABody, "400"},
		"no next request":  {func(s *http1.Server) { s.IdleTimeout = short }, get, "200 GET /"},
		"half a next head": {func(s *http1.Server) { s.HeadTimeout = short }, get + "GET / HT", "200 GET /"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, echo, tc.option).dial().send(tc.sent)
			if tc.answer != "" {
				if got := strings.TrimSuffix(c.answer("GET"), " close"); got != tc.answer {
					t.Errorf("%q, want %q", got, tc.answer)
				}
			}
			c.ended()
		})
	}
}

// A request that has come in full has all the time that its answer takes.
func TestSlowHandler(t *testing.T) {
	c := start(t, func(w http.ResponseWriter, r *http.Request) {
		<-time.After(4 * short)
		if err := r.Context().Err(); err != nil {
			t.Error(err)
		}
		echo(w, r)
	}, func(s *http1.Server) { s.HeadTimeout, s.RequestTimeout, s.IdleTimeout = short, short, long }).dial()
	for range 2 {
		if got := c.send(get).answer("GET"); got != "200 GET /" {
			t.Error(got)
		}
	}
}

// A client that does not take its answer does not keep the server's memory.
func TestSlowReader(t *testing.T) {
	left := make(chan struct{})
	s := start(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 64<<20)) // more than the system takes
		close(left)
	}, func(s *http1.Server) { s.AnswerTimeout = short })
	s.dial().send(get)
	<-left
	if err := s.Shutdown(t.Context()); err != nil { // waits for the write
		t.Error(err)
	}
}

// Whoever asks for the end of a request learns that its client has hung up; and if it has
// not, what it has sent meanwhile is the next request.
func TestHangUp(t *testing.T) {
	asked, ended := make(chan struct{}, 1), make(chan struct{})
	goOn := make(chan struct{})
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/wait" {
			echo(w, r)
			return
		}
		done := r.Context().Done() // before the body has been read
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- struct{}{}
		select {
		case <-done:
			ended <- struct{}{}
		case <-goOn:
		}
	})
	for _, request := range []string{
		"GET /wait HTTP/1.1\r\n" + host + "\r\n",
		"POST /wait HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\nab",
	} {
		c := s.dial().send(request)
		<-asked
		_ = c.Close()
		<-ended

		c = s.dial().send(request)
		<-asked
		c.send(get + get)
		goOn <- struct{}{}
		for _, want := range []string{"200", "200 GET /", "200 GET /"} {
			if got := c.answer("GET"); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
}

// Nobody reads ahead while there is a body to come.
func TestHangUpWithinABody(t *testing.T) {
	asked, sent, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		done := r.Context().Done()
		asked <- struct{}{}
		<-sent
		echo(w, r)
		if r.URL.Path == "/wait" {
			asked <- struct{}{}
			<-done
			close(ended)
		}
	}, func(s *http1.Server) { s.HeadTimeout, s.RequestTimeout = short, 4*short })
	head := " HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\n"
	c := s.dial().send("POST /" + head)
	<-asked
	c.send("ab")
	sent <- struct{}{}
	if got := c.answer("POST"); got != "200 POST / ab" {
		t.Error(got)
	}
	c.send("POST /wait" + head)
	<-asked
	c.send("ab")
	sent <- struct{}{}
	<-asked
	<-time.After(8 * short) // longer than a request may take
	_ = c.Close()
	<-ended
}

// The context ends with the handler, and what was derived of it does.
func TestContextEnds(t *testing.T) {
	contexts := make(chan context.Context, 2)
	c := start(t, func(_ http.ResponseWriter, r *http.Request) {
		derived, cancel := context.WithTimeout(r.Context(), long)
		_ = cancel
		contexts <- r.Context()
		contexts <- derived
	}).dial()
	if got := c.send(get).answer("GET"); got != "200" {
		t.Error(got)
	}
	for range 2 {
		ctx := <-contexts
		<-ctx.Done()
		if err := ctx.Err(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if got := c.send(get).answer("GET"); got != "200" {
		t.Errorf("the next: %q", got)
	}
}

// The memory of a request is a later one's, which has nothing of it; but not where somebody
// has asked for the end of its context.
func TestRequestReused(t *testing.T) {
	requests := make(chan *http.Request, 1)
	c := start(t, func(_ http.ResponseWriter, r *http.Request) {
		if err := r.Context().Err(); err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/waits" {
			_ = r.Context().Done()
		} else if r.Method == http.MethodGet && (r.Header.Get("X-A") != "" || r.URL.RawQuery != "" || r.PathValue("a") != "" || r.ContentLength != 0 || r.Body != http.NoBody) {
			t.Errorf("%+v", r)
		}
		r.SetPathValue("a", "b")
		requests <- r
	}).dial()
	ask := func(request string) *http.Request {
		if got := c.send(request).answer("GET"); got != "200" {
			t.Fatal(got)
		}
		return <-requests
	}
	reused := 0
	for range 20 { // a pool may drop what it is given
		waits := ask("GET /waits HTTP/1.1\r\n" + host + "X-A: 1\r\n\r\n")
		first := ask("POST /a?b=c HTTP/1.1\r\n" + host + "X-A: 1\r\nContent-Length: 1\r\n\r\nd")
		second := ask("GET /b HTTP/1.1\r\n" + host + "\r\n")
		if first == waits || second == waits {
			t.Error("the request whose end somebody has asked for is another one")
		}
		if second == first {
			reused++
		}
	}
	if reused == 0 {
		t.Error("no request has had another one's memory")
	}
}

// What is derived of it ends with it without a goroutine of its own.
func TestDerivedContexts(t *testing.T) {
	const many = 100
	c := start(t, func(_ http.ResponseWriter, r *http.Request) {
		before := runtime.NumGoroutine()
		for range many {
			_, cancel := context.WithCancel(r.Context())
			defer cancel()
		}
		if n := runtime.NumGoroutine() - before; n > many/2 {
			t.Errorf("%d goroutines for %d contexts", n, many)
		}
	}).dial()
	if got := c.send(get).answer("GET"); got != "200" {
		t.Error(got)
	}
}

// A connection that was taken over is the handler's: its head is sent, nothing else is,
// and no deadline holds.
func TestHijack(t *testing.T) {
	taken := make(chan net.Conn, 1)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.Context().Done() // somebody reads ahead
		w.Header().Set("X-A", "1")
		w.WriteHeader(http.StatusAccepted)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := w.Write([]byte("a")); !errors.Is(err, http.ErrHijacked) {
			t.Errorf("write: %v", err)
		}
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrHijacked) {
			t.Errorf("once more: %v", err)
		}
		taken <- conn
	}, func(s *http1.Server) { s.HeadTimeout, s.AnswerTimeout = short, short })
	for proto, encoding := range map[string]string{"HTTP/1.1": "chunked", "HTTP/1.0": ""} {
		c := s.dial().send("GET / " + proto + "\r\n" + host + "\r\n")
		r, err := http.ReadResponse(c.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.StatusCode != http.StatusAccepted || r.Header.Get("X-A") != "1" || !r.Close || strings.Join(r.TransferEncoding, "") != encoding {
			t.Errorf("%+v", r)
		}
		conn := <-taken
		<-time.After(3 * short)
		c.send("x")
		b := make([]byte, 1)
		if _, err := io.ReadFull(conn, b); err != nil || b[0] != 'x' {
			t.Errorf("read %q: %v", b, err)
		}
		if _, err := conn.Write([]byte("y")); err != nil {
			t.Error(err)
		}
		_ = conn.Close()
		_ = r.Body.Close() // reads to the end
	}
	c := start(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("a"))
		if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
			t.Error("what was written is lost")
		}
	}).dial()
	if got := c.send(get).answer("GET"); got != "200 a" {
		t.Error(got)
	}
}

// A server that stops ends what is idle and answers what is under way.
func TestShutdown(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	s := start(t, func(http.ResponseWriter, *http.Request) {
		begun <- struct{}{}
		<-goOn
	})
	fresh, resting, busy := s.dial(), s.dial(), s.dial()
	resting.send(get)
	<-begun
	goOn <- struct{}{}
	resting.answer("GET")
	busy.send(get)
	<-begun

	cut, cancel := context.WithTimeout(t.Context(), short)
	defer cancel()
	if err := s.Shutdown(cut); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while a request is under way: %v", err)
	}
	fresh.ended()
	resting.ended()
	if err := <-s.done; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("serve: %v", err)
	}
	if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.addr); err == nil {
		_ = c.Close()
		t.Error("it takes connections")
	}
	goOn <- struct{}{}
	if got := busy.answer("GET"); got != "200 close" {
		t.Error(got)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// A server may be stopped before it serves.
func TestStoppedBeforeItServes(t *testing.T) {
	for name, stop := range map[string]func(*http1.Server) error{
		"shutdown": func(s *http1.Server) error { return s.Shutdown(t.Context()) },
		"close":    func(s *http1.Server) error { s.Close(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			var s http1.Server
			if err := stop(&s); err != nil {
				t.Fatal(err)
			}
			l := listen(t)
			served := make(chan error, 1)
			go func() { served <- s.Serve(l) }()
			select {
			case err := <-served:
				if !errors.Is(err, http.ErrServerClosed) {
					t.Error(err)
				}
			case <-time.After(long):
				t.Fatal("it serves")
			}
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the listener is open: %v", err)
			}
		})
	}
}

// slow has its connections tell that they write, and wait until they may.
type slow struct {
	net.Listener
	writing, goOn chan struct{}
}

type slowConn struct {
	net.Conn
	*slow
}

func (s *slow) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return slowConn{c, s}, nil
}

func (c slowConn) Write(b []byte) (int, error) {
	c.writing <- struct{}{}
	<-c.goOn
	return c.Conn.Write(b)
}

func (c slowConn) Close() error { return c.Conn.Close() }

// A server that stops when an answer is on its way, and does not say that it is the last,
// ends the connection behind it.
func TestShutdownWhileAnswering(t *testing.T) {
	l := &slow{listen(t), make(chan struct{}), make(chan struct{})}
	s := startOn(t, l, func(http.ResponseWriter, *http.Request) {})
	c := s.dial().send(get)
	<-l.writing
	past, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(past); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(l.goOn)
	if got := c.answer("GET"); got != "200" {
		t.Error(got)
	}
	c.ended()
}

// A server that is closed cuts off.
func TestClose(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	s := start(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(ended)
	})
	c := s.dial().send(get)
	<-begun
	s.Close()
	<-ended
	c.ended()
}

// failing fails to accept, first for a while, then for good.
type failing struct {
	net.Listener
	errs []error
}

func (f *failing) Accept() (net.Conn, error) {
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, &net.OpError{Op: "accept", Err: err}
}

func TestAcceptFails(t *testing.T) {
	l, s := listen(t), start(t, echo)
	f := &failing{l, []error{syscall.EMFILE, syscall.ECONNABORTED, syscall.EBADF}}
	other := &http1.Server{Handler: s.Handler, Logger: s.Logger}
	if err := other.Serve(f); !errors.Is(err, syscall.EBADF) || len(f.errs) > 0 {
		t.Errorf("%v, and then %v", err, f.errs)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is open: %v", err)
	}
}
