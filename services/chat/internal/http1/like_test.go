package http1_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// What is no request, or no usual one, is answered as net/http answers it; but for
// encodings that neither knows, which its parser does not tell from other faults, and for
// the beginning of HTTP/2.
func TestLikeNetHTTP(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = fmt.Fprint(w, r.Method, " ", r.URL, " ", r.Proto, " ", r.ContentLength, " ", r.Header, " ", string(b))
	}
	ours := start(t, handler)
	theirs := httptest.NewUnstartedServer(http.HandlerFunc(handler))
	theirs.Config.MaxHeaderBytes = ours.MaxHead - 4096 // it allows for what it reads ahead
	theirs.Config.DisableGeneralOptionsHandler = true
	theirs.Start()
	t.Cleanup(theirs.Close)

	body := func(fields, body string) string { return "POST / HTTP/1.1\r\n" + host + fields + "\r\n\r\n" + body }
	differ := map[string]string{
		body("Transfer-Encoding: identity", ""):                                       "400",
		body("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"):                         "400",
		body("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"): "400",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                                            "505",
	}
	requests := slices.Concat(slices.Collect(maps.Keys(differ)), []string{
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
	})
	for _, request := range requests {
		t.Run(fmt.Sprintf("%.60q", request), func(t *testing.T) {
			get := func(addr string) string {
				c := dial(t, addr).send(request)
				got, err := c.read("GET")
				if err != nil {
					return "no answer"
				}
				if !strings.HasSuffix(got, "close") {
					return got
				}
				c.ended()
				if status, _, _ := strings.Cut(got, " "); status != "200" {
					return status // the words are its own
				}
				return got
			}
			want, ok := differ[request]
			if !ok {
				want = get(theirs.Listener.Addr().String())
			}
			if got := get(ours.addr); got != want {
				t.Errorf("%.200q, want %.200q", got, want)
			}
		})
	}
}
