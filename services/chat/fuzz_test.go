package chat_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// Whatever bytes come in for a request: an answer that is JSON or empty, a stream,
// or the refusal of net/http, and never that something went wrong here.
func FuzzRequest(f *testing.F) {
	const most = 1 << 30
	w, alice := lobby(f, func(c *chat.Config) {
		c.Rate, c.Burst, c.ReadRate, c.ReadBurst, c.RoomRate, c.RoomBurst = most, most, most, most, most, most
	})
	path, id := says(alice, "one")
	token := chattest.Token("alice", claim("scope", "read write service"))
	for _, r := range [][4]string{
		{"GET", "/v1/rooms/lobby/messages?limit=1", "", ""},
		{"GET", "/v1/rooms/lobby/events?after=0&types=message.posted", "Accept: text/event-stream\r\nLast-Event-ID: 1\r\n", ""},
		{"GET", "/v1/events?rooms=lobby,a", "Roomlog-Position: " + alice.Get(path).Position() + "\r\n", ""},
		{"GET", "/v1/events", "Last-Event-ID: " + alice.Get("/v1/rooms").Position() + ".AA\r\nAccept: a,text/event-stream;q=0\r\n", ""},
		{"GET", "/v1/rooms/lobby/outcomes/" + id + "?position=AA&expires=2030-01-01T00:00:00Z", "", ""},
		{"GET", "/v1/rooms/lobby/state?at=2030-01-01T00:00:00%2B01:00&after=a", "", ""},
		{"GET", path + "/reactions?key=%00", "", ""},
		{"PUT", path + "/reactions/%ff%00", "Idempotency-Key: \x7f\r\n", ""},
		{"PATCH", path, "If-Match: \"1\"\r\nContent-Type: application/merge-patch+json\r\n", `{"text":"a","data":{"a":null}}`},
		{"POST", "/v1/rooms/lobby/messages", "Content-Type: application/json; charset=utf-8\r\nPrefer: wait=1,wait=2\r\n", `{"text":"a","mentions":["bob"]}`},
		{"POST", "/v1/rooms/lobby/redactions", "Content-Type: application/json\r\n", `{"from":1,"to":9007199254740991}`},
		{"PUT", "/v1/rooms/lobby/members/bob", "Content-Type: application/json\r\nRoomlog-Act-As: bob\r\n", `{"membership":"ban","until":"9999-12-31T23:59:59-01:00"}`},
		{"PUT", "/v1/read", "Content-Type: application/json\r\nTraceparent: 00-0\r\n", `{"rooms":{"lobby":1}}`},
		{"PUT", "/v1/direct/%2e%2e", "Content-Encoding: gzip\r\n", "{}"},
		{"OPTIONS", "*", "X-Request-Id: \xff\r\n", ""},
		{"GET", "http://[::1]:namedport/v1/me", "", ""},
		{"GET", "/v1/rooms/\x00", "Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"},
		{"TRACE", "//v1//me/..;/%%%", "Authorization: Bearer \r\n", ""},
		{"GET", "/v1/me?" + strings.Repeat("a=b&", 20<<10), "", ""},
		{"DELETE", "/v1/rooms/lobby", "Expect: 100-continue\r\nUpgrade: websocket\r\nConnection: upgrade\r\n", ""},
	} {
		f.Add(r[0], r[1], r[2], []byte(r[3]))
	}
	f.Fuzz(func(t *testing.T, method, target, headers string, body []byte) {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(time.Second))
		request := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n%s",
			method, target, token, len(body), headers, body)
		if _, err := c.Write(request); err != nil {
			return // refused before all of it was sent
		}
		res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
		if err != nil {
			return // the request was not complete, or waits for longer than we do
		}
		defer func() {
			_ = c.Close() // a stream has no end to read to
			_ = res.Body.Close()
		}()
		if res.Header.Get("X-Request-Id") == "" {
			return // net/http has refused it
		}
		kind := res.Header.Get("Content-Type")
		if res.StatusCode >= http.StatusInternalServerError || !strings.Contains(res.Header.Get("X-Content-Type-Options"), "nosniff") {
			t.Fatalf("answered %d, %v", res.StatusCode, res.Header)
		}
		if kind == "text/event-stream" {
			return
		}
		answer, err := io.ReadAll(res.Body)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil || len(bytes.TrimSpace(answer)) > 0 && !json.Valid(answer) || res.StatusCode >= 400 && kind != "application/problem+json" {
			t.Fatalf("answered %d %s %q, %v", res.StatusCode, kind, answer, err)
		}
	})
}
