package chat_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// BenchmarkSend is the API's own part of a message that is acknowledged: neither a
// connection nor a log of any length, and the tables stand still.
func BenchmarkSend(b *testing.B) {
	const most = 1 << 30
	w, _ := lobby(b, func(c *chat.Config) { c.Rate, c.Burst, c.RoomRate, c.RoomBurst = most, most, most, most })
	w.Hold()
	body := append(append([]byte(`{"text":"`), bytes.Repeat([]byte("roomlog "), 25)...), `"}`...)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, messages, nil)
	r.Header.Set("Authorization", "Bearer "+chattest.Token("alice"))
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = int64(len(body))
	h := w.Service.Handler()
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(bytes.NewReader(body))
		a := answer{header: http.Header{}}
		h.ServeHTTP(&a, r)
		if a.status != http.StatusAccepted {
			b.Fatalf("%d: %s", a.status, a.body)
		}
	}
}

// answer is a ResponseWriter.
type answer struct {
	header http.Header
	status int
	body   []byte
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { a.body = b; return len(b), nil }
