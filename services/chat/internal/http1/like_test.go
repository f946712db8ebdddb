package http1_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// FuzzLikeNetHTTP sends bytes to this server and to net/http's: they find the same requests
// in them. But for the beginning of HTTP/2; for a host that is empty or of the URL, which the
// parser does not tell from none and from the header's; and for clients of HTTP/1.0 that want
// to go on.
func FuzzLikeNetHTTP(f *testing.F) {
	body := func(fields, body string) string { return "POST / HTTP/1.1\r\n" + host + fields + "\r\n\r\n" + body }
	for _, request := range []string{
		"GET / HTTP/1.1\r\n" + host + "\r\n",
		"GET /a?b=c%20d HTTP/1.1\r\n" + host + "X-A: 1\r\nx-a: 2\r\nX-B:\t 3 \r\n\r\n",
		"GET http://b/c HTTP/1.1\r\n" + host + "\r\n",
		"GET / HTTP/1.1\n" + "Host: a\n\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\n" + host + "\r\n",
		"X-Y / HTTP/1.1\r\n" + host + "\r\n",
		body("Content-Length: 2", "ab"),
		body("Content-Length: 0", ""),
		body("Transfer-Encoding: chunked", "2;x=y\r\nab\r\n0\r\nX-T: 1\r\n\r\n"),
		body("Content-Length: 2\r\nContent-Length: 2", "ab"),
		// What others might read otherwise.
		body("Content-Length: 2\r\nContent-Length: 3", "abc"),
		body("Content-Length: +2", "ab"),
		body("Content-Length: -2", "ab"),
		body("Content-Length: 2, 2", "ab"),
		body("Content-Length : 2", "ab"),
		body("Transfer-Encoding: chunked\r\nContent-Length: 2", "2\r\nab\r\n0\r\n\r\n"),
		body("Transfer-Encoding: chunked", "zz\r\n"),
		body("Transfer-Encoding: chunked", "2\r\nabc\r\n"),
		body("X-A: a\x00b", ""),
		body("X-A: a\rb", ""),
		body("X A: b", ""),
		body(" X-A: b", ""),
		body("X-A: b\r\n c", ""),
		body("X-A", ""),
		body("Expect: more", ""),
		"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
		"GET / HTTP/1.1\r\nX-A: b\r\n\r\n",
		"GET / HTTP/1.1 \r\n" + host + "\r\n",
		"GET  / HTTP/1.1\r\n" + host + "\r\n",
		"GET / HTTP/2.0\r\n" + host + "\r\n",
		"GET / HTTX/1.1\r\n" + host + "\r\n",
		"GET /% HTTP/1.1\r\n" + host + "\r\n",
		"GET a HTTP/1.1\r\n" + host + "\r\n",
		"G(T / HTTP/1.1\r\n" + host + "\r\n",
		"\r\nGET / HTTP/1.1\r\n" + host + "\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
		"GET /" + strings.Repeat("x", 9<<10) + " HTTP/1.1\r\n" + host + "\r\n",
		"GET / HTTP/1.1\r\n" + host + "X-A: " + strings.Repeat("x", 9<<10) + "\r\n\r\n",
		"GET / HTTP/1.1\r\n" + host + "X-A: " + strings.Repeat("x", 3<<10) + "\r\n\r\n",
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n\r\n",
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET /1 HTTP/1.1\r\n" + host + "\r\nPOST /2 HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\nabGET /3 HTTP/1.1\r\n" + host + "\r\n",
		"POST /1 HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n" + host + "\r\n",
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nab",
		"GET / HT",
	} {
		f.Add(request)
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = fmt.Fprint(w, r.Method, " ", r.URL, " ", r.Host, " ", r.Proto, " ", r.ContentLength, " ", r.Header, " ", string(b))
	}
	ours := start(f, handler)
	theirs := httptest.NewUnstartedServer(http.HandlerFunc(handler))
	theirs.Config.MaxHeaderBytes = ours.MaxHead - 4096 // it allows for what it reads ahead
	theirs.Config.DisableGeneralOptionsHandler = true
	theirs.Start()
	f.Cleanup(theirs.Close)

	f.Fuzz(func(t *testing.T, sent string) {
		if strings.Contains(sent, "HTTP/2") || strings.Contains(sent, "://") || noHost.MatchString(sent) {
			return
		}
		got, want := answers(t, ours.addr, sent), answers(t, theirs.Listener.Addr().String(), sent)
		if strings.Contains(sent, "HTTP/1.0") {
			got, want = got[:min(1, len(got))], want[:min(1, len(want))]
		}
		got, want = requests(got), requests(want)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%.500q\nnet/http: %.500q", got, want)
		}
	})
}

var noHost = regexp.MustCompile(`(?i)host:[ \t]*\r?\n`)

// requests leaves the last answer away where it says that there was none.
func requests(all []string) []string {
	if n := len(all); n > 0 && (all[n-1] == "400" || all[n-1] == "431" || all[n-1] == "501") {
		return all[:n-1]
	}
	return all
}

// answers are those to what is sent, up to the connection's end.
func answers(t *testing.T, addr, sent string) (all []string) {
	c := dial(t, addr).send(sent)
	defer func() { _ = c.Close() }()
	_ = c.Conn.(*net.TCPConn).CloseWrite() // the server may have ended it
	b, err := io.ReadAll(c)
	if isTimeout(err) {
		t.Fatal("the connection does not end")
	}
	in := bufio.NewReader(strings.NewReader(string(b)))
	for {
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			return all
		}
		body, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return all
		}
		answer := fmt.Sprint(r.StatusCode, " ", string(body), " ", r.Close)
		if r.StatusCode != http.StatusOK { // the words are the server's
			answer = fmt.Sprint(r.StatusCode)
		}
		all = append(all, answer)
	}
}
