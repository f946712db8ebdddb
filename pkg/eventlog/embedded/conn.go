package embedded

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// keptBuffer is the largest buffer that a connection keeps when it is empty.
const keptBuffer = 64 << 10

// memoryConn is one end of a connection within the process. A write never waits: who
// reads takes what is there. That is bounded by the protocol, in which an end waits
// for answers before it asks for more. ([net.Pipe] hands over each part of a message by
// itself, from goroutine to goroutine.)
type memoryConn struct {
	in, out *stream
	address net.Addr // of both ends
}

// newMemoryConn gives both ends.
func newMemoryConn(address net.Addr) (server, client net.Conn) {
	a, b := newStream(), newStream()
	return &memoryConn{a, b, address}, &memoryConn{b, a, address}
}

func (c *memoryConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *memoryConn) Write(p []byte) (int, error) { return c.out.write(p) }

// Close ends both directions. The other end reads still what was written.
func (c *memoryConn) Close() error {
	c.in.close(net.ErrClosed)
	c.out.close(io.EOF)
	return nil
}

func (c *memoryConn) LocalAddr() net.Addr  { return c.address }
func (c *memoryConn) RemoteAddr() net.Addr { return c.address }

func (c *memoryConn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.reading, t)
	return nil
}

func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writing, t)
	return nil
}

// stream is one direction.
type stream struct {
	mu               sync.Mutex
	changed          *sync.Cond
	buf              []byte
	taken            int   // of buf
	ended            error // nil: it is open; what a reader gets behind the last byte
	reading, writing deadline
}

type deadline struct {
	at    time.Time // zero: there is none
	timer *time.Timer
}

func newStream() *stream {
	s := new(stream)
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.ended == net.ErrClosed: //nolint:errorlint // set above
			return 0, net.ErrClosed
		case s.reading.over():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case s.taken < len(s.buf):
			n := copy(p, s.buf[s.taken:])
			if s.taken += n; s.taken == len(s.buf) {
				s.taken, s.buf = 0, s.buf[:0]
				if cap(s.buf) > keptBuffer {
					s.buf = nil
				}
			}
			return n, nil
		case s.ended != nil:
			return 0, s.ended
		}
		s.changed.Wait()
	}
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended != nil:
		return 0, io.ErrClosedPipe
	case s.writing.over():
		return 0, os.ErrDeadlineExceeded
	}
	s.buf = append(s.buf, p...)
	s.changed.Broadcast()
	return len(p), nil
}

func (s *stream) close(end error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil || end == net.ErrClosed { //nolint:errorlint // one of two
		s.ended = end
	}
	s.reading.stop()
	s.writing.stop()
	s.changed.Broadcast()
}

// setDeadline wakes who waits, when it is over at the latest.
func (s *stream) setDeadline(d *deadline, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.at = t
	switch {
	case t.IsZero() || s.ended != nil:
		d.stop()
	case d.timer == nil:
		d.timer = time.AfterFunc(time.Until(t), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.changed.Broadcast()
		})
	default:
		d.timer.Reset(time.Until(t))
	}
	s.changed.Broadcast()
}

func (d *deadline) over() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}
