package embedded

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxRequest is the largest request, in bytes. A produce request has at most
// 100 MB by Kafka's own default.
const maxRequest = 100 << 20

var errNotKafka = errors.New("not a request of the Kafka protocol")

// guard ends connections that send what no Kafka client sends. kfake trusts its
// clients: it allocates what a length says and ends the process on a request
// that it does not know.
//
// Answers leave when durable says so; nil: at once.
func guard(l net.Listener, d *durable) net.Listener { return &guarded{l, d} }

type guarded struct {
	net.Listener
	durable *durable
}

func (g *guarded) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &guardedConn{Conn: c, durable: g.durable, closed: make(chan struct{})}, nil
}

type guardedConn struct {
	net.Conn
	durable *durable
	head    head
	left    []byte // of head
	rest    int64  // of the request, after head

	join    atomic.Pointer[join] // the last one
	closing sync.Once
	closed  chan struct{}
}

// head is what a request begins with: size, key, version, correlation id.
type head [12]byte

func (h head) size() uint32    { return binary.BigEndian.Uint32(h[:]) }
func (h head) key() int16      { return int16(binary.BigEndian.Uint16(h[4:])) }
func (h head) version() int16  { return int16(binary.BigEndian.Uint16(h[6:])) }
func (h head) request() uint32 { return binary.BigEndian.Uint32(h[8:]) }

// join is a request to join a group, which waits for the other members.
type join struct {
	request  uint32
	answered chan struct{}
}

// Write sends an answer, when all that it may tell of is durable. The broker takes
// no further request of the connection meanwhile.
func (c *guardedConn) Write(p []byte) (int, error) {
	if c.durable != nil {
		if err := c.durable.wait(); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Write(p)
	// An answer begins with its size and the request's correlation id.
	if j := c.join.Load(); j != nil && len(p) >= 8 && binary.BigEndian.Uint32(p[4:]) == j.request && c.join.CompareAndSwap(j, nil) {
		close(j.answered)
	}
	return n, err
}

func (c *guardedConn) Read(p []byte) (int, error) {
	n, err := c.read(p)
	if err != nil {
		c.awaitJoined()
	}
	return n, err
}

// awaitJoined waits until a request to join has been answered. kfake begins the
// session of a member with that answer. Where the connection has ended before, it
// begins none, and the member has its partitions for ever.
func (c *guardedConn) awaitJoined() {
	if j := c.join.Load(); j != nil {
		select {
		case <-j.answered:
		case <-c.closed:
		}
	}
}

func (c *guardedConn) Close() error {
	c.closing.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *guardedConn) read(p []byte) (int, error) {
	if len(c.left) == 0 && c.rest == 0 {
		const checked = 8 // what a request must have to be one: the rest may never come
		if _, err := io.ReadFull(c.Conn, c.head[:checked]); err != nil {
			return 0, err
		}
		if err := checkHead(c.head); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(c.Conn, c.head[checked:]); err != nil {
			return 0, err
		}
		c.left = c.head[:]
		c.rest = int64(c.head.size()) + 4 - int64(len(c.head))
	}
	if len(c.left) > 0 {
		n := copy(p, c.left)
		c.left = c.left[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.rest)])
	if c.rest -= int64(n); c.rest == 0 && c.head.key() == kmsg.JoinGroup.Int16() { // it is there in full
		c.join.Store(&join{c.head.request(), make(chan struct{})})
	}
	return n, err
}

// checkHead looks at a request's size, key and version.
func checkHead(h head) error {
	if h.size() < 10 || h.size() > maxRequest { // key, version, correlation id, client id
		return errNotKafka
	}
	req := kmsg.RequestForKey(h.key())
	if req == nil || h.version() < 0 {
		return errNotKafka
	}
	if h.key() != kmsg.ApiVersions.Int16() && h.version() > req.MaxVersion() {
		return errNotKafka // of ApiVersions, any version gets an answer
	}
	return nil
}
