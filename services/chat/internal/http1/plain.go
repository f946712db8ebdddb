package http1

import (
	"bufio"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

const (
	crlf    = "\r\n"
	headEnd = crlf + crlf
)

// readPlain makes a request of a head, up to the end of its last line, in which all is as
// nearly everybody has it: the request that net/http's parser makes of it, in half of the
// time. It refuses nothing: where there is anything that has a meaning of its own, an
// escape in the path, a body of unknown length, a name that comes twice, or a byte that is
// rare, it says false, and the parser decides.
func (x *exchange) readPlain(head []byte) bool {
	lines := string(head) // what the request's strings are parts of
	line, lines, _ := strings.Cut(lines, crlf)
	method, line, _ := strings.Cut(line, " ")
	target, proto, _ := strings.Cut(line, " ")
	path, query, asks := strings.Cut(target, "?")
	if method == "" || !all(method, inMethod) || !strings.HasPrefix(path, "/") || !all(path, inPath) || !all(query, inQuery) || asks != (query != "") || proto != "HTTP/1.1" {
		return false
	}
	if x.plain == nil {
		x.plain = &plainRequest{header: http.Header{}}
		x.plain.blank = *new(http.Request).WithContext(&x.context)
	}
	p := x.plain
	p.url.Path, p.url.RawQuery = path, query
	r := &p.request
	*r = p.blank
	r.Method, r.URL, r.RequestURI = method, &p.url, target
	r.Proto, r.ProtoMajor, r.ProtoMinor = proto, 1, 1
	n := strings.Count(lines, crlf)
	r.Header = p.header
	values := slices.Grow(p.values[:0], n)[:n]
	p.values = values
	for i := range values {
		line, lines, _ = strings.Cut(lines, crlf)
		name, value, named := strings.Cut(line, ":")
		if !named || !all(name, inName) || !all(value, inValue) {
			return false
		}
		name, value = textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " ")
		switch name {
		case "", "Connection", "Expect", "Pragma", "Trailer", "Transfer-Encoding", "Upgrade":
			return false
		case "Content-Length":
			length, err := strconv.ParseUint(value, 10, 63)
			if err != nil {
				return false
			}
			r.ContentLength = int64(length)
		}
		values[i] = value
		r.Header[name] = values[i : i+1 : i+1]
	}
	if len(r.Header) < n {
		return false
	}
	r.Host = r.Header.Get("Host")
	if r.Host == "" || !httpguts.ValidHostHeader(r.Host) {
		return false
	}
	delete(r.Header, "Host")
	r.Body = http.NoBody
	if r.ContentLength > 0 {
		p.body = plainBody{x.context.conn.in, r.ContentLength}
		r.Body = &p.body
	}
	x.request = r
	return true
}

// plainRequest is what a plain request takes, but for its text.
type plainRequest struct {
	blank   http.Request // with its context
	request http.Request
	url     url.URL
	header  http.Header
	values  []string // of the header
	body    plainBody
}

// maxFields is how many header fields there may be room for that is kept for the next
// request.
const maxFields = 32

// cleared is it for the next request; nil: it is larger than most need.
func (p *plainRequest) cleared() *plainRequest {
	if len(p.values) > maxFields {
		return nil
	}
	p.request, p.url, p.body = http.Request{}, url.URL{}, plainBody{}
	clear(p.header)
	clear(p.values)
	return p
}

// plainBody is one of known length.
type plainBody struct {
	in   *bufio.Reader
	left int64
}

func (b *plainBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.in.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	switch {
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	case err == nil && b.left == 0:
		err = io.EOF
	}
	return n, err
}

func (*plainBody) Close() error { return nil }

// Where a byte may be in what is plain.
const (
	inMethod = 1 << iota
	inPath
	inQuery
	inName
	inValue
)

var plainBytes = func() (in [256]byte) {
	const letters, digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "0123456789"
	for where, bytes := range map[byte]string{
		inMethod: letters[:26],
		inPath:   letters + digits + "/-._~",
		inQuery:  letters + digits + "/-._~=&%+,:",
		inName:   letters + digits + "-",
		inValue:  letters + digits + " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
	} {
		for _, b := range []byte(bytes) {
			in[b] |= where
		}
	}
	return in
}()

// all says whether every byte of s may be there.
func all(s string, where byte) bool {
	for i := range len(s) {
		if plainBytes[s[i]]&where == 0 {
			return false
		}
	}
	return true
}
