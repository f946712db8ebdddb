// Package http1 serves HTTP/1.0 and 1.1 to an [http.Handler]. Requests are read by
// net/http's parser, but for the plainest ones; the loop around it is ours, for what
// net/http's own server does for each request besides: a goroutine that waits for the
// client to hang up, a dozen deadlines, a copy of the answer's headers. Here a hang-up is
// waited for where the handler asks for the end of the request's context, a deadline is
// moved when it has come near, and an answer leaves in one write.
//
// An answer is held back until its handler returns, and there is no Flush: who streams
// takes the connection over, by Hijack. Trailers of requests are not told.
//
// A request is the handler's until it returns; then its memory is another one's. Who goes on
// with its context must have asked for the end of that before, as all do that derive one
// which ends with it.
package http1

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves a listener. All fields are required.
type Server struct {
	Handler http.Handler
	Logger  *slog.Logger

	// HeadTimeout is how long a new connection may take for its first byte, and any
	// request for its head from its first byte on. RequestTimeout is for the head and the
	// body.
	HeadTimeout, RequestTimeout time.Duration
	// IdleTimeout is how long a connection may be without a request. AnswerTimeout is how
	// long a client may take for a write. Either may come to twice as much.
	IdleTimeout, AnswerTimeout time.Duration
	// MaxHead is the most bytes of a request line and headers.
	MaxHead int

	stopping atomic.Bool
	mu       sync.Mutex
	listener net.Listener
	open     map[*conn]struct{}
	running  sync.WaitGroup // one for each of open
}

// Between attempts to accept, where that fails for want of something that may come back,
// as descriptors.
const (
	firstPause = 5 * time.Millisecond
	maxPause   = time.Second
)

// Serve serves l, which it closes, until Shutdown or Close: then it gives
// [http.ErrServerClosed]. It may be called once.
func (s *Server) Serve(l net.Listener) error {
	defer func() { _ = l.Close() }()
	s.mu.Lock()
	s.listener, s.open = l, map[*conn]struct{}{}
	s.mu.Unlock()
	if s.stopping.Load() { // already, and stop may have found no listener to close
		return http.ErrServerClosed
	}
	pause := firstPause
	for {
		n, err := l.Accept()
		switch {
		case err == nil:
			pause = firstPause
			if c := s.enter(n); c != nil {
				go c.serve()
			}
		case s.stopping.Load():
			return http.ErrServerClosed
		case isTemporary(err):
			s.Logger.Warn("cannot accept connections", "error", err, "again_in", pause)
			time.Sleep(pause)
			pause = min(2*pause, maxPause)
		default:
			return fmt.Errorf("accept connections: %w", err)
		}
	}
}

func isTemporary(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Temporary() //nolint:staticcheck // of Accept it is well defined
}

// enter notes a new connection; nil: it is closed, since the server is stopping.
func (s *Server) enter(n net.Conn) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		_ = n.Close()
		return nil
	}
	c := newConn(s, n)
	s.open[c] = struct{}{}
	s.running.Add(1)
	return c
}

func (s *Server) leave(c *conn) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	s.running.Done()
}

// Shutdown takes no more connections and requests, and waits until those under way are
// answered; or until ctx ends, and gives its error. It does not know of connections that
// were taken over.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop(func(c *conn) {
		if c.state.CompareAndSwap(idle, closed) {
			_ = c.Close()
		}
	})
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close takes no more connections, and cuts off those that there are.
func (s *Server) Close() {
	s.stop(func(c *conn) { _ = c.Close() })
}

func (s *Server) stop(each func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping.Store(true)
	if s.listener != nil {
		_ = s.listener.Close()
	}
	for c := range s.open {
		each(c)
	}
}
