package http1

import (
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// What is a stream's for as long as it lasts is its connection and its context, not what
// its answer would have taken.
func TestTakenOver(t *testing.T) {
	client, end := net.Pipe()
	defer func() { _ = client.Close() }()
	c := newConn(&Server{
		HeadTimeout: time.Minute, RequestTimeout: time.Minute, IdleTimeout: time.Minute, AnswerTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
				t.Error(err)
			}
		}),
	}, end)
	go func() { _, _ = io.WriteString(client, browser) }()
	if _, err := c.in.Peek(1); err != nil {
		t.Fatal(err)
	}
	x := newExchange(c)
	if err := x.read(time.Now()); err != nil {
		t.Fatal(err)
	}
	if x.serve() || x.answer != (answer{exchange: x}) || x.request != nil {
		t.Errorf("kept: %+v, %+v", x.answer, x.request)
	}
	if _, err := x.answer.Write([]byte("too late")); !errors.Is(err, http.ErrHijacked) {
		t.Errorf("a write of the handler's own, later: %v", err)
	}
}

// Who waits before they answer hold nothing of what an answer takes.
func TestWaits(t *testing.T) {
	x := &exchange{request: &http.Request{Method: http.MethodPost, Body: http.NoBody}}
	x.context.conn = &conn{server: &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if w.(*answer).page != nil {
			t.Error("a page, and nobody has begun to answer")
		}
		panic(http.ErrAbortHandler)
	})}}
	x.serve()
}

// A page keeps its date, for as long as that is right.
func TestDated(t *testing.T) {
	p := &page{}
	at := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	for after, want := range []string{
		"Sun, 01 Mar 2026 11:00:00 GMT", "Sun, 01 Mar 2026 11:00:00 GMT", "Sun, 01 Mar 2026 11:00:01 GMT", "Sun, 01 Mar 2026 11:00:01 GMT",
	} {
		if p.dated(at.Add(time.Duration(after) * 500 * time.Millisecond)); string(p.date) != want {
			t.Errorf("%d half seconds later: %s", after, p.date)
		}
	}
}
