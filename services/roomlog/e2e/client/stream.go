package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
)

// maxFrame is the longest line of a stream, in bytes.
const maxFrame = 1 << 20

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
	err = readStream(res.Body, func(f frame) error { return f.deliver(each) })
	if errors.Is(err, ErrStop) {
		return nil
	}
	return err
}

// frame is one event of a text/event-stream.
type frame struct {
	id, event, data string
}

func (f frame) deliver(each func(Event) error) error {
	if f.event == "end" {
		end := &End{}
		if err := json.Unmarshal([]byte(f.data), end); err != nil {
			return fmt.Errorf("stream's end: %w", err)
		}
		return end
	}
	if f.data == "" || f.id == "" { // ephemeral, or a cursor without data
		return nil
	}
	var e Event
	if err := json.Unmarshal([]byte(f.data), &e); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	if string(e.Type) != f.event || seq(e.Seq) != f.id {
		return fmt.Errorf("stream: event %q id %q carries %q seq %d", f.event, f.id, e.Type, e.Seq)
	}
	return each(e)
}

// readStream reads frames until one is refused or the stream breaks off.
func readStream(r io.Reader, each func(frame) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxFrame)
	var f frame
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			if f != (frame{}) {
				if err := each(f); err != nil {
					return err
				}
			}
			f = frame{}
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "": // a comment
		case "id":
			f.id = value
		case "event":
			f.event = value
		case "data":
			if f.data != "" {
				f.data += "\n"
			}
			f.data += value
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}
