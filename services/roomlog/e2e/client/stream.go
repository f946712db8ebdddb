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
	return c.Stream(ctx, roomPath(room)+"/events", url.Values{"after": {seq(after)}}, func(f sse.Frame) error {
		if f.Data == "" || f.ID == "" { // ephemeral, or a cursor without data
			return nil
		}
		e, err := Decode(f)
		if err != nil {
			return err
		}
		if seq(e.Seq) != f.ID {
			return fmt.Errorf("stream: event %q id %q carries %q seq %d", f.Event, f.ID, e.Type, e.Seq)
		}
		return each(e)
	})
}

// Stream follows a path that can be followed, and calls each frame but the one that
// ends it. It returns what [Client.Follow] does.
func (c *Client) Stream(ctx context.Context, path string, query url.Values, each func(sse.Frame) error) error {
	r := Request{Method: http.MethodGet, Path: path, Query: query, Header: http.Header{"Accept": {"text/event-stream"}}}
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
		switch {
		case err != nil:
		case f.Event == "end":
			err = endOf(f)
		default:
			err = each(f)
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

// Decode gives the event that a frame carries.
func Decode(f sse.Frame) (e Event, err error) {
	if err := json.Unmarshal([]byte(f.Data), &e); err != nil {
		return e, fmt.Errorf("stream: %w", err)
	}
	if string(e.Type) != f.Event {
		return e, fmt.Errorf("stream: event %q carries %q", f.Event, e.Type)
	}
	return e, nil
}

func endOf(f sse.Frame) error {
	end := &End{}
	if err := json.Unmarshal([]byte(f.Data), end); err != nil {
		return fmt.Errorf("stream's end: %w", err)
	}
	return end
}
