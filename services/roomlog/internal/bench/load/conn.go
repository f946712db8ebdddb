package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

const (
	dialTimeout   = 5 * time.Second
	answerTimeout = 60 * time.Second
)

var errNoHTTP = errors.New("the answer is no HTTP/1.1")

// Conn is a client with one connection, which it keeps alive. It does what these
// services need of HTTP/1.1 at a fraction of what net/http costs: on a small machine
// the generator must not be what is measured. It is not safe for concurrent use.
type Conn struct {
	address string
	head    string // header lines of each request
	conn    net.Conn
	r       *bufio.Reader
	request []byte
	body    []byte
}

// Dial makes a client that connects when it first asks. A token may be empty.
func Dial(address, token string) *Conn {
	head := "Host: " + address + "\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	return &Conn{address: address, head: head}
}

// Close ends the connection. The client can be used again.
func (c *Conn) Close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// Do sends a request and reads the answer; a body is JSON, headers are whole lines
// with their ends. The answer's body is valid until the next call. A status other
// than 2xx is an error, with the body.
func (c *Conn) Do(method, path, headers string, body []byte) ([]byte, error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.address, dialTimeout) //nolint:noctx // its time-out is short
		if err != nil {
			return nil, err
		}
		c.conn, c.r = conn, bufio.NewReaderSize(conn, 16<<10)
	}
	c.write(method, path, headers, body)
	_ = c.conn.SetDeadline(time.Now().Add(answerTimeout))
	if _, err := c.conn.Write(c.request); err != nil {
		c.Close()
		return nil, err
	}
	status, keep, err := c.read()
	if err != nil || !keep {
		c.Close()
	}
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("%s %s: status %d: %.300s", method, path, status, c.body)
	}
	return c.body, err
}

func (c *Conn) write(method, path, headers string, body []byte) {
	b := append(c.request[:0], method...)
	b = append(b, ' ')
	b = append(b, path...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = append(b, c.head...)
	b = append(b, headers...)
	if body != nil {
		b = append(b, "Content-Type: application/json\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(body)), 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, "\r\n"...)
	c.request = append(b, body...)
}

// read reads an answer; keep says whether the connection goes on.
func (c *Conn) read() (status int, keep bool, err error) {
	c.body = c.body[:0]
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, false, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, false, errNoHTTP
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, errNoHTTP
	}
	length, chunked, keep, err := c.headers()
	switch {
	case err != nil:
		return status, false, err
	case chunked:
		return status, keep, c.chunks()
	case length >= 0:
		return status, keep, c.take(length)
	case status == 204 || status == 304:
		return status, keep, nil
	}
	c.body, err = io.ReadAll(c.r)
	return status, false, err
}

// headers reads what stands before the body; a length of -1 is none.
func (c *Conn) headers() (length int, chunked, keep bool, err error) {
	length, keep = -1, true
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, false, false, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			return length, chunked, keep, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, false, false, errNoHTTP
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("Connection")):
			keep = !bytes.EqualFold(value, []byte("close"))
		}
	}
}

func (c *Conn) chunks() error {
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 31)
		if err != nil {
			return errNoHTTP
		}
		if err := c.take(int(size)); err != nil {
			return err
		}
		if _, err := c.r.Discard(len("\r\n")); err != nil || size == 0 {
			return err
		}
	}
}

// take appends so many bytes to the body.
func (c *Conn) take(n int) error {
	at := len(c.body)
	c.body = append(c.body, make([]byte, n)...)
	_, err := io.ReadFull(c.r, c.body[at:])
	return err
}
