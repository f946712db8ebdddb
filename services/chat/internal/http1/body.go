package http1

import "io"

// body is that of a request. What its handler leaves is read behind the answer.
type body struct {
	io.ReadCloser
	context  *requestContext
	left     int64 // below zero: not known
	expected bool  // the client sends it when it is asked for (RFC 9110, 10.1.1)
}

const goOn = "HTTP/1.1 100 Continue\r\n\r\n"

func (b *body) Read(p []byte) (int, error) {
	if b.expected {
		b.expected = false
		if _, err := io.WriteString(b.context.conn, goOn); err != nil {
			return 0, err
		}
	}
	n, err := b.ReadCloser.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	if err == io.EOF {
		b.left = 0
		b.context.hasRead()
	}
	return n, err
}

// Close leaves the rest to the connection.
func (*body) Close() error { return nil }

// unread is how much the handler has left, or 1 where that is not known.
func (b *body) unread() int64 {
	if b.left < 0 {
		return 1
	}
	return b.left
}

// drain reads what is left, and says whether that was not too much.
func (b *body) drain() bool {
	_, err := io.CopyN(io.Discard, b.ReadCloser, maxDrain+1)
	return err == io.EOF //nolint:errorlint // as io.CopyN gives it
}
