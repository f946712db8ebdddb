package chat_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/clients/go/sse"
	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// wire opens a stream of alice's as bytes: the request, and whatever else.
func wire(t *testing.T, w *chattest.World, proto, beyond string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = fmt.Fprintf(conn, "GET %s %s\r\nHost: a\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n%s", eventsPath, proto, chattest.Token("alice"), beyond)
	if err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// A stream has its connection to itself and ends it, in the form of the protocol.
func TestStreamOnTheWire(t *testing.T) {
	for proto, encoding := range map[string]string{"HTTP/1.1": "[chunked]", "HTTP/1.0": "[]"} {
		t.Run(proto, func(t *testing.T) {
			w, alice := lobby(t)
			_, in := wire(t, w, proto, "GET /v1/me HTTP/1.1\r\nHost: a\r\n\r\n") // is not answered
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			if !res.Close || fmt.Sprint(res.TransferEncoding) != encoding || res.Header.Get("Content-Type") != "text/event-stream" {
				t.Errorf("%+v", res)
			}
			say(t, alice, 2)
			large := alice.Post(messages, `{"text":"`+strings.Repeat("x", 16<<10)+`"}`, chattest.Wait).Is(http.StatusCreated)
			events := bufio.NewReader(res.Body)
			var got strings.Builder
			for !strings.Contains(got.String(), large.Text("id")) {
				line, err := events.ReadString('\n')
				if err != nil {
					t.Fatalf("%v after %s", err, got.String())
				}
				got.WriteString(line)
			}
			go w.Stop()
			rest, err := io.ReadAll(events)
			if err != nil || !strings.Contains(string(rest), `{"code":"server_shutdown","cursor":4}`) {
				t.Errorf("%v: the end is %q", err, rest)
			}
			if beyond, err := io.ReadAll(in); err != nil || len(beyond) > 0 {
				t.Errorf("%v: behind it comes %q", err, beyond)
			}
		})
	}
}

// A server that keeps its connections, as that of HTTP/2 does, has streams too.
func TestStreamOfHTTP2(t *testing.T) {
	w, alice := lobby(t)
	server := httptest.NewUnstartedServer(w.Service.Handler())
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+eventsPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+chattest.Token("alice"))
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.ProtoMajor != 2 || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", res.Proto, res.Status)
	}
	until(t, func() bool { return w.Followers() == 1 })
	say(t, alice, 1)
	var got []string
	for f, err := range sse.Read(res.Body) {
		if err != nil {
			break // the last one was the end
		}
		if f.ID != "" || f.Event == "end" { // what is ephemeral has no id
			got = append(got, f.Event)
		}
		if f.Event == "message.posted" {
			go w.Stop()
		}
	}
	if fmt.Sprint(got) != "[room.created message.posted end]" {
		t.Errorf("events %v", got)
	}
}

// Who does not read does not keep the server from stopping.
func TestStuckStreamWhenTheServerStops(t *testing.T) {
	w, alice := lobby(t, func(c *chat.Config) { c.StreamTimeout, c.StopTimeout = time.Hour, 300*time.Millisecond })
	wire(t, w, "HTTP/1.1", "")
	until(t, func() bool { return w.Followers() == 1 })
	flood(alice)
	w.Stop()
	if w.Followers() != 0 {
		t.Error("the stream is still there")
	}
}

// A stream is a request until it ends: it is counted then, and by how it ended.
func TestStreamsAreCounted(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	const requests, ended = "roomlog_http_request_seconds", "roomlog_streams_ended_total"
	s := bob.Follow(eventsPath, false)
	are(t, s.IDs(2), 1)
	if counted(t, w, requests, "/v1/rooms/:room/events") {
		t.Error("the stream is counted while it is open")
	}
	alice.Put("/v1/rooms/lobby/members/bob", `{"membership":"ban"}`, chattest.Wait).Is(http.StatusOK)
	until(t, func() bool {
		return counted(t, w, requests, "/v1/rooms/:room/events") && counted(t, w, ended, "not_a_member")
	})
	alice.Follow(eventsPath, false).Close()
	until(t, func() bool { return counted(t, w, ended, "broken") })
}

// counted reports whether a metric has a sample with a label.
func counted(t *testing.T, w *chattest.World, name, label string) bool {
	t.Helper()
	families, err := w.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && strings.Contains(m.String(), label) {
				return true
			}
		}
	}
	return false
}
