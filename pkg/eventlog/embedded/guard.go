package embedded

import (
	"encoding/binary"
	"errors"
	"io"
	"net"

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
	return &guardedConn{Conn: c, durable: g.durable}, nil
}

type guardedConn struct {
	net.Conn
	durable *durable
	head    [8]byte // of the request that is being read: size, key, version
	left    []byte  // of head
	rest    int64   // of the request, after head
}

// Write sends an answer, when all that it may tell of is durable. The broker takes
// no further request of the connection meanwhile.
func (c *guardedConn) Write(p []byte) (int, error) {
	if c.durable != nil {
		if err := c.durable.wait(); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(p)
}

func (c *guardedConn) Read(p []byte) (int, error) {
	if len(c.left) == 0 && c.rest == 0 {
		if _, err := io.ReadFull(c.Conn, c.head[:]); err != nil {
			return 0, err
		}
		if err := checkHead(c.head); err != nil {
			return 0, err
		}
		c.left = c.head[:]
		c.rest = int64(binary.BigEndian.Uint32(c.head[:])) - 4
	}
	if len(c.left) > 0 {
		n := copy(p, c.left)
		c.left = c.left[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.rest)])
	c.rest -= int64(n)
	return n, err
}

// checkHead looks at a request's size, key and version.
func checkHead(head [8]byte) error {
	size := binary.BigEndian.Uint32(head[:])
	key := int16(binary.BigEndian.Uint16(head[4:]))
	version := int16(binary.BigEndian.Uint16(head[6:]))
	if size < 10 || size > maxRequest { // key, version, correlation id, client id
		return errNotKafka
	}
	req := kmsg.RequestForKey(key)
	if req == nil || version < 0 {
		return errNotKafka
	}
	if key != kmsg.ApiVersions.Int16() && version > req.MaxVersion() {
		return errNotKafka // of ApiVersions, any version gets an answer
	}
	return nil
}
