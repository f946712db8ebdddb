package chattest

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/roomlog/roomlog/clients/go/sse"
)

// patience is how long a test waits for the next event.
const patience = 20 * time.Second

// Frame is one event of a stream.
type Frame = sse.Frame

// Stream is an open stream of server-sent events.
type Stream struct {
	t      testing.TB
	Header http.Header
	res    *http.Response
	frames chan Frame
	closed chan struct{}
	once   sync.Once
}

// Follow opens a stream; the test's end closes it. With paused it is not read
// until Read is called.
func (c *Client) Follow(path string, paused bool, headers ...Header) *Stream {
	c.t.Helper()
	s, refused := c.TryFollow(path, headers...)
	if s == nil {
		c.t.Fatalf("stream: status %d", refused.Status)
	}
	if !paused {
		s.Read()
	}
	return s
}

// TryFollow opens a stream, paused; nil and the answer where it is refused.
func (c *Client) TryFollow(path string, headers ...Header) (*Stream, Answer) {
	c.t.Helper()
	res := c.send(http.MethodGet, path, nil, append(headers, Header{"Accept", "text/event-stream"})...) //nolint:bodyclose // Close does, at the latest when the test ends
	if res.StatusCode != http.StatusOK {
		return nil, c.answer(res)
	}
	s := &Stream{t: c.t, Header: res.Header, res: res, frames: make(chan Frame), closed: make(chan struct{})}
	c.t.Cleanup(s.Close)
	return s, Answer{}
}

// Close hangs up.
func (s *Stream) Close() {
	s.once.Do(func() {
		close(s.closed)
		_ = s.res.Body.Close()
	})
}

// Read begins to read.
func (s *Stream) Read() {
	go func() {
		defer close(s.frames)
		for f, err := range sse.Read(s.res.Body) {
			if err != nil {
				return
			}
			if f.Data == "" {
				continue
			}
			select {
			case s.frames <- f:
			case <-s.closed:
				return
			}
		}
	}()
}

// Next gives the next event, or what ends the stream; ok is false behind that. What
// is ephemeral is left out.
func (s *Stream) Next() (f Frame, ok bool) {
	s.t.Helper()
	for {
		if f, ok = s.Any(); !ok || f.ID != "" || f.Event == "end" {
			return f, ok
		}
	}
}

// Any is Next with what is ephemeral.
func (s *Stream) Any() (f Frame, ok bool) {
	s.t.Helper()
	select {
	case f, ok = <-s.frames:
		return f, ok
	case <-time.After(patience):
		s.t.Fatal("no event came")
		return f, false
	}
}

// IDs gives the ids of the next n events.
func (s *Stream) IDs(n int) (ids []string) {
	s.t.Helper()
	for range n {
		f, ok := s.Next()
		if !ok {
			s.t.Fatalf("the stream ended after %v", ids)
		}
		ids = append(ids, f.ID)
	}
	return ids
}

// End reads the event that ends the stream, and that nothing follows.
func (s *Stream) End() (code string, cursor int) {
	s.t.Helper()
	f, ok := s.Next()
	if !ok || f.Event != "end" {
		s.t.Fatalf("%+v is not the end", f)
	}
	var end struct {
		Code   string
		Cursor int
	}
	if err := json.Unmarshal([]byte(f.Data), &end); err != nil {
		s.t.Fatal(err)
	}
	if f, ok := s.Next(); ok {
		s.t.Fatalf("%+v follows the end", f)
	}
	return end.Code, end.Cursor
}

// Each calls f for each event until the stream ends or is closed.
func (s *Stream) Each(f func(Frame)) {
	for x := range s.frames {
		f(x)
	}
}
