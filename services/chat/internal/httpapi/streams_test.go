package httpapi

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomlog/roomlog/services/chat/internal/live"
)

func TestAccepts(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "text/event-streams": false, ",;=": false,
		"text/event-stream": true, "Text/Event-Stream; charset=utf-8": true, "text/html, text/event-stream;q=0.1": true, "text/event-stream;q=x": true,
		"text/event-stream;q=0": false, "application/json, text/event-stream; q=0.000": false,
	} {
		if got := accepts(header, eventStream); got != want {
			t.Errorf("%q: %t", header, got)
		}
	}
}

// The end of a stream does not wait for long for a client that does not read.
func TestSinkEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, client := net.Pipe()
		defer func() { _ = errors.Join(conn.Close(), client.Close()) }()
		sink := &connSink{conn: conn, chunked: true, timeout: time.Hour}
		began := time.Now()
		if err := sink.End([]byte("event: end\n")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != endPatience {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

// streamsClosed remembers how streams ended.
type streamsClosed struct {
	Metrics
	how []string
}

func (m *streamsClosed) StreamOpened()           {}
func (m *streamsClosed) StreamClosed(how string) { m.how = append(m.how, how) }

// A stream runs in a goroutine of its own, where nobody else would recover.
func TestStreamPanics(t *testing.T) {
	var log strings.Builder
	closed := &streamsClosed{}
	s := &Server{Config: Config{Metrics: closed, Logger: slog.New(slog.NewTextHandler(&log, nil))}}
	s.send(t.Context(), &exchange{id: "one"}, &live.Session{}, nil)
	if !slices.Equal(closed.how, []string{"broken"}) || !strings.Contains(log.String(), "request_id=one") {
		t.Errorf("ended %v, log %s", closed.how, &log)
	}
}
