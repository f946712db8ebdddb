package http1

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

const (
	curl = "POST /v1/rooms/general/messages?wait=10s HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n" +
		"Authorization: Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"
	browser = "GET /v1/rooms/general/messages?limit=50&before=120 HTTP/1.1\r\nhost: chat.example\r\naccept: */*\r\naccept-encoding: gzip, deflate, br\r\n" +
		"user-agent: Mozilla/5.0 (X11; Linux x86_64)\r\nsec-fetch-mode: cors\r\nif-none-match: W/\"17-a\"\r\nx-empty:\r\nx-padded:  a b  \r\n\r\n"
)

// seen is all that a handler sees of a request, one that reads its body by what it says
// to have, and adds to each field.
func seen(r *http.Request) string {
	body := make([]byte, min(r.ContentLength, 100))
	n, err := r.Body.Read(body)
	body = body[:n]
	for name := range r.Header {
		r.Header.Add(name, "more")
	}
	return fmt.Sprintf("%q %#v %q %q %d %d %#v %d %v %v %v %q %q %v", r.Method, r.URL, r.RequestURI, r.Proto, r.ProtoMajor, r.ProtoMinor,
		r.Header, r.ContentLength, r.TransferEncoding, r.Close, r.Trailer, r.Host, body, err)
}

// plainly reads a request from a connection that has sent it, into the memory of one before;
// nil: it is not plain.
func plainly(sent string) *exchange {
	c := &conn{in: bufio.NewReader(strings.NewReader(sent))}
	x := newExchange(c)
	end := strings.Index(sent, headEnd)
	if end < 0 || !x.readPlain([]byte(sent[:end+len(crlf)])) {
		return nil
	}
	_, _ = io.CopyN(io.Discard, c.in, int64(end+len(headEnd)))
	return x
}

// FuzzPlain: what is plain is the request that the parser makes of it, whatever was read
// before.
func FuzzPlain(f *testing.F) {
	for _, sent := range []string{
		curl + `{"text":"hello` + "\r\n\r\n", // more than it says
		curl + `{"te`,                        // less
		browser,
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET //a/../b HTTP/1.1\r\nHost: a\r\n\r\n",
		"DELETE /a~b_c.d-e HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 0\r\n\r\n",
		"GET /a:b HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /a?b?c HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /a? HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /a?b=%zz HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /a HTTP/1.1\r\nhost: a\r\nx-a-: 1\r\n-X: 2\r\n\r\n",
	} {
		f.Add(sent)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		plain := plainly(sent)
		if plain == nil {
			return
		}
		defer plain.release()
		parsed, err := http.ReadRequest(bufio.NewReader(strings.NewReader(sent)))
		if err == nil {
			err = check(parsed)
		}
		if err != nil {
			t.Fatalf("%q is plain, and not a request: %v", sent, err)
		}
		if got, want := seen(plain.request), seen(parsed); got != want {
			t.Errorf("%q\nplain:  %s\nparsed: %s", sent, got, want)
		}
	})
}

// What clients send is plain, and what is not leaves the decision to the parser.
func TestPlain(t *testing.T) {
	head := func(fields string) string { return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n" }
	for _, c := range []struct {
		sent  string
		plain bool
	}{
		{curl, true},
		{browser, true},
		{head("Content-Length: 9223372036854775807"), true},
		{head("Content-Length: 9223372036854775808"), false},
		{head("Content-Length: +1"), false},
		{head("Content-Length: 1, 1"), false},
		{head("Content-Length:"), false},
		{head("Content-Length: 1\r\ncontent-length: 1"), false},
		{head("Content-Length : 1"), false},
		{head("Transfer-Encoding: chunked"), false},
		{head("transfer-encoding: chunked"), false},
		{head("Connection: close"), false},
		{head("Expect: 100-continue"), false},
		{head("Upgrade: h2c"), false},
		{head("Trailer: X-A"), false},
		{head("Pragma: no-cache"), false},
		{head("Host: b"), false},
		{head("X-A: 1\r\nX-A: 2"), false},
		{head("X-A: 1\r\n 2"), false},
		{head("X-A: a\nX-B: b"), false},
		{head("X-A: a\rX-B: b"), false},
		{head("X-A: \x00"), false},
		{head("X-A: \xff"), false},
		{head("X-A"), false},
		{head(": a"), false},
		{head("X_A: a"), false},
		{"GET / HTTP/1.1\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nHost:\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", false},
		{"GET / HTTP/1.0\r\nHost: a\r\n\r\n", false},
		{"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", false},
		{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", false},
		{"get / HTTP/1.1\r\nHost: a\r\n\r\n", false},
		{" / HTTP/1.1\r\nHost: a\r\n\r\n", false},
		{"GET /%41 HTTP/1.1\r\nHost: a\r\n\r\n", false},
		{"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", false},
		{"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", false},
		{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", false},
		{"GET HTTP/1.1\r\nHost: a\r\n\r\n", false},
	} {
		if plain := plainly(c.sent) != nil; plain != c.plain {
			t.Errorf("%q: plain is %v", c.sent, plain)
		}
	}
}

func BenchmarkHead(b *testing.B) {
	b.Run("plain", func(b *testing.B) {
		c := &conn{}
		head := []byte(strings.TrimSuffix(curl, crlf))
		b.ReportAllocs()
		for b.Loop() {
			x := newExchange(c)
			if !x.readPlain(head) {
				b.Fatal("it is not plain")
			}
			x.release()
		}
	})
	b.Run("parser", func(b *testing.B) {
		from := strings.NewReader(curl)
		in := bufio.NewReader(from)
		b.ReportAllocs()
		for b.Loop() {
			from.Reset(curl)
			in.Reset(from)
			r, err := http.ReadRequest(in)
			if err == nil {
				err = check(r)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
