package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/roomlog/roomlog/clients/go/sse"
	"github.com/roomlog/roomlog/pkg/events"
)

// ErrStop ends a stream from within the callback: Follow returns nil.
var ErrStop = errors.New("stop following")

// End is how the server ended a stream: with its event "end".
type End struct {
	Code   string `json:"code"`
	Cursor any    `json:"cursor"`
}

func (e *End) Error() string { return fmt.Sprintf("stream ended: %s at %v", e.Code, e.Cursor) }

// Follow replays a room after a seq, then follows it, and calls each event. It
// returns nil when each returns [ErrStop], [*End] when the server ended the
// stream, io.ErrUnexpectedEOF when the connection broke, else the error.
func (c *Client) Follow(ctx context.Context, room events.RoomID, after events.Seq, each func(Event) error) error {
	r := Request{
		Method: http.MethodGet, Path: roomPath(room) + "/events", Query: url.Values{"after": {seq(after)}},
		Header: http.Header{"Accept": {"text/event-stream"}},
	}
	res, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		return problemOf(r, Answer{Status: res.StatusCode, Header: res.Header, Body: b})
	}
	for f, err := range sse.Read(res.Body) {
		if err == nil {
			err = deliver(f, each)
		}
		if errors.Is(err, ErrStop) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func deliver(f sse.Frame, each func(Event) error) error {
	if f.Event == "end" {
		end := &End{}
		if err := json.Unmarshal([]byte(f.Data), end); err != nil {
			return fmt.Errorf("stream's end: %w", err)
		}
		return end
	}
	if f.Data == "" || f.ID == "" { // ephemeral, or a cursor without data
		return nil
	}
	var e Event
	if err := json.Unmarshal([]byte(f.Data), &e); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	if string(e.Type) != f.Event || seq(e.Seq) != f.ID {
		return fmt.Errorf("stream: event %q id %q carries %q seq %d", f.Event, f.ID, e.Type, e.Seq)
	}
	return each(e)
}
