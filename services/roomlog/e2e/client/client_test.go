package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/pkg/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c := New(s.URL, "token-of-alice")
	t.Cleanup(c.Close)
	return c
}

func TestSendsTokenKeyAndPosition(t *testing.T) {
	var seen []http.Header
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header)
		w.Header().Set(PositionHeader, fmt.Sprintf("p%d", len(seen)))
		w.WriteHeader(http.StatusAccepted)
		_, _ = fmt.Fprint(w, `{"event_id":"e","position":"p"}`)
	})
	for range 2 {
		ack, err := c.Post(t.Context(), "r", NewMessage{Text: "hi"}, Command{Key: "k", Wait: 3 * time.Second})
		if err != nil || ack.EventID != "e" || !ack.Known() {
			t.Fatalf("ack %+v, error %v", ack, err)
		}
	}
	h := seen[1]
	if h.Get("Authorization") != "Bearer token-of-alice" || h.Get("Idempotency-Key") != "k" ||
		h.Get("Prefer") != "wait=3" || h.Get(PositionHeader) != "p1" || c.Position() != "p2" {
		t.Fatalf("second request: %v, position %q", h, c.Position())
	}
	if c.As("token-of-bob").Position() != "" || c.At("http://other").Position() != "p2" {
		t.Fatal("another person starts without a position; the same on another replica keeps it")
	}
}

func TestUnknownOutcomeIsNotKnown(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = fmt.Fprint(w, `{"event_id":"e","position":null}`)
	})
	if ack, err := c.Post(t.Context(), "r", NewMessage{Text: "hi"}, Command{}); err != nil || ack.Known() {
		t.Fatalf("ack %+v, error %v", ack, err)
	}
}

func TestProblems(t *testing.T) {
	for name, test := range map[string]struct{ kind, body, malformed string }{
		"well formed": {"application/problem+json", `{"status":404,"title":"t","code":"room_not_found","request_id":"q"}`, ""},
		"html":        {"text/html", `<h1>no</h1>`, "content type"},
		"no code":     {"application/problem+json", `{"status":404,"title":"t","request_id":"q"}`, "missing"},
		"other":       {"application/problem+json", `{"status":400,"title":"t","code":"c","request_id":"q"}`, "says status 400"},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.kind)
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(http.StatusNotFound)
				_, _ = fmt.Fprint(w, test.body)
			})
			_, err := c.Room(t.Context(), "r")
			var p *Problem
			if !errors.As(err, &p) || p.Status != 404 || p.RetryAfter != 7*time.Second || StatusOf(err) != 404 ||
				!strings.Contains(p.Malformed, test.malformed) || (p.Malformed == "") != (test.malformed == "") {
				t.Fatalf("problem %+v", p)
			}
		})
	}
}

func TestAllEventsRefusesAGap(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("after") {
		case "0":
			_, _ = fmt.Fprint(w, `{"items":[{"seq":1},{"seq":2}],"next":"x","prev":null}`)
		default:
			_, _ = fmt.Fprint(w, `{"items":[{"seq":4}],"next":null,"prev":null}`)
		}
	})
	n := 0
	err := c.AllEvents(t.Context(), "r", 0, func(Event) error { n++; return nil })
	if n != 2 || err == nil || !strings.Contains(err.Error(), "seq 4 after 2") {
		t.Fatalf("%d events, error %v", n, err)
	}
}

func TestFollow(t *testing.T) {
	const frames = ": hello\n\nid: 1\nevent: message.posted\ndata: {\"seq\":1,\"type\":\"message.posted\"}\n\n" +
		"event: typing\ndata: {}\n\n" +
		"id: 2\nevent: message.posted\ndata: {\"seq\":2,\n" + "data: \"type\":\"message.posted\"}\n\n"
	for name, test := range map[string]struct {
		tail string
		want func(error) bool
	}{
		"broken": {"", func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		"ended": {"event: end\ndata: {\"code\":\"kicked\",\"cursor\":2}\n\n", func(err error) bool {
			var e *End
			return errors.As(err, &e) && e.Code == "kicked"
		}},
		"mislabelled": {"id: 9\nevent: x\ndata: {\"seq\":3,\"type\":\"x\"}\n\n", func(err error) bool {
			return err != nil && strings.Contains(err.Error(), `id "9" carries "x" seq 3`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept") != "text/event-stream" {
					w.WriteHeader(http.StatusNotAcceptable)
				}
				_, _ = fmt.Fprint(w, frames+test.tail)
			})
			var got []events.Seq
			err := c.Follow(t.Context(), "r", 0, func(e Event) error { got = append(got, e.Seq); return nil })
			if len(got) != 2 || !test.want(err) {
				t.Fatalf("events %v, error %v", got, err)
			}
		})
	}
}

func TestFollowEndsWithItsContext(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Follow(ctx, "r", 0, func(Event) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error %v", err)
	}
}
