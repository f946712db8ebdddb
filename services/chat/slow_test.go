package chat_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// Who sends half a request holds nothing for long, whoever they are.
func TestSlowRequests(t *testing.T) {
	w, _ := lobby(t, func(c *chat.Config) { c.RequestTimeout = 300 * time.Millisecond })
	token := "Authorization: Bearer " + chattest.Token("alice") + "\r\n"
	const body = "Content-Type: application/json\r\nContent-Length: 100\r\n"
	for name, tc := range map[string]struct {
		request string
		status  int // zero: no answer
	}{
		"half a head":          {"GET /v1/me HTTP/1.1\r\nHo", 0},
		"no body, no token":    {"POST " + messages + " HTTP/1.1\r\nHost: a\r\n" + body + "\r\n", http.StatusUnauthorized},
		"half a body, a token": {"POST " + messages + " HTTP/1.1\r\nHost: a\r\n" + token + body + "\r\n{\"te", http.StatusBadRequest},
		"a chunk, no route":    {"POST /v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", http.StatusNotFound},
		"a read with a body":   {"GET /v1/me HTTP/1.1\r\nHost: a\r\n" + token + "Content-Length: 9\r\n\r\n", http.StatusOK},
		"a body of another kind": {
			"POST " + messages + " HTTP/1.1\r\nHost: a\r\n" + token + "Content-Length: 9\r\n\r\n",
			http.StatusUnsupportedMediaType,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(15 * time.Second))
			if _, err := conn.Write([]byte(tc.request)); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(conn)
			if tc.status != 0 {
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if res.StatusCode != tc.status {
					t.Errorf("status %d, want %d", res.StatusCode, tc.status)
				}
			}
			// A reset is an end too: of what was sent, not all was read.
			if _, err := io.Copy(io.Discard, in); isTimeout(err) {
				t.Error("the connection is still there")
			}
		})
	}
}

func isTimeout(err error) bool {
	n, ok := err.(net.Error) //nolint:errorlint // as the connection gave it
	return ok && n.Timeout()
}

// What takes its time after the request was sent is not cut off.
func TestSlowAnswers(t *testing.T) {
	w, alice := lobby(t, func(c *chat.Config) { c.RequestTimeout = 200 * time.Millisecond })
	s := alice.Follow(eventsPath, false)
	are(t, s.IDs(1), 1)
	w.Hold()
	released := make(chan struct{})
	go func() {
		defer close(released)
		<-time.After(time.Second) // longer than a request may take
		w.Resume()
	}()
	poll := make(chan chattest.Answer, 1)
	go func() { poll <- alice.Get(eventsPath + "?after=1&wait=20") }()
	sent := alice.Post(messages, `{"text":"a"}`, chattest.Wait).Is(http.StatusCreated)
	if got := (<-poll).Is(http.StatusOK); !strings.Contains(string(got.Body), sent.Text("id")) {
		t.Errorf("poll %s", got.Body)
	}
	if ids := s.IDs(1); fmt.Sprint(ids) != "[2]" {
		t.Errorf("ids %v", ids)
	}
	<-released
}
