package roomlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/roomlog/roomlog/clients/go/sse"
)

const (
	// silence is for how long a stream may say nothing: the server sends a comment
	// every 15 s.
	silence = 45 * time.Second
	// retry is the first pause before connecting again, where the server does not say;
	// it doubles up to maxPause.
	retry    = 2 * time.Second
	maxPause = 30 * time.Second
)

// Told is one thing that a stream tells.
type Told struct {
	// Type is the event's, or "typing" or "presence", which are kept nowhere.
	Type string
	// Cursor is where to go on from; empty for what is kept nowhere.
	Cursor string
	// Data is the item as JSON.
	Data json.RawMessage
}

// Event decodes an event.
func (t Told) Event() (Event, error) {
	var e Event
	if err := json.Unmarshal(t.Data, &e); err != nil {
		return e, fmt.Errorf("event %s: %w", t.Cursor, err)
	}
	return e, nil
}

// End is how the server ended a stream for good.
type End struct {
	// Code is "not_a_member", "room_deleted" or one that this client does not know.
	Code string
	// Cursor is up to where everything was told.
	Cursor string
}

// Error says why.
func (e *End) Error() string { return "the stream has ended: " + e.Code }

// Follow replays a room's events from params.After on and then follows the room. It
// goes on behind the last event where the connection breaks, nothing is heard for 45 s
// or the server stops, so that each event comes once and in order; while the server is
// away it tries again, at growing intervals.
//
// The last iteration has an error: the context's; [*End]; what the server has against
// a request, as [*Error]; or why the first connection did not come about.
func (c *Client) Follow(ctx context.Context, room RoomID, params *ListEventsParams) iter.Seq2[Told, error] {
	return c.follow(ctx, func(ctx context.Context, last *string) (*http.Response, error) {
		p := orEmpty(params)
		if last != nil {
			p.LastEventID = last
		}
		return c.ListEvents(ctx, room, &p, acceptStream)
	})
}

// FollowAll is [Client.Follow] for all rooms of the person, or those that params name.
func (c *Client) FollowAll(ctx context.Context, params *ListPersonEventsParams) iter.Seq2[Told, error] {
	return c.follow(ctx, func(ctx context.Context, last *string) (*http.Response, error) {
		p := orEmpty(params)
		if last != nil {
			p.LastEventID = last
		}
		return c.ListPersonEvents(ctx, &p, acceptStream)
	})
}

func orEmpty[P any](params *P) (p P) {
	if params != nil {
		p = *params
	}
	return p
}

func acceptStream(_ context.Context, req *http.Request) error {
	req.Header.Set("Accept", "text/event-stream")
	return nil
}

// follower is a stream over all its connections.
type follower struct {
	open   func(ctx context.Context, last *string) (*http.Response, error)
	yield  func(Told, error) bool
	opened bool          // there was a connection
	last   *string       // the cursor
	retry  time.Duration // the first pause
	failed int           // connections in a row that brought nothing
}

// errStopped says that the caller has broken off the loop.
var errStopped = errors.New("stopped")

func (c *Client) follow(ctx context.Context, open func(context.Context, *string) (*http.Response, error)) iter.Seq2[Told, error] {
	return func(yield func(Told, error) bool) {
		f := &follower{open: open, yield: yield, retry: retry}
		for {
			err := f.connect(ctx)
			switch {
			case errors.Is(err, errStopped):
				return
			case ctx.Err() != nil:
				yield(Told{}, ctx.Err())
				return
			case !f.opened || final(err):
				yield(Told{}, err)
				return
			}
			c.pause(ctx, f.pauseAfter(err))
		}
	}
}

// connect tells what one connection brings until it ends.
func (f *follower) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	res, err := f.open(ctx, f.last)
	if err != nil {
		f.failed++
		return err
	}
	defer func() { _ = res.Body.Close() }()
	f.opened = true
	f.failed++ // until it has brought something
	for frame, err := range sse.Read(&heard{res.Body, quiet}) {
		if err != nil {
			return err
		}
		if err := f.tell(frame); err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) tell(frame sse.Frame) error {
	if frame.Retry > 0 {
		f.retry = frame.Retry
	}
	if frame.ID != "" {
		f.last, f.failed = &frame.ID, 0
	}
	switch {
	case frame.Event == "end":
		end, err := endOf(frame)
		if err != nil {
			return err
		}
		f.last = &end.Cursor
		return end
	case frame.Data == "":
		return nil
	case !f.yield(Told{Type: frame.Event, Cursor: frame.ID, Data: json.RawMessage(frame.Data)}, nil):
		return errStopped
	}
	return nil
}

func endOf(frame sse.Frame) (*End, error) {
	var end struct {
		Code   string
		Cursor json.RawMessage // a number or a string
	}
	if err := json.Unmarshal([]byte(frame.Data), &end); err != nil {
		return nil, fmt.Errorf("the stream's end: %w", err)
	}
	return &End{Code: end.Code, Cursor: strings.Trim(string(end.Cursor), `"`)}, nil
}

// final reports whether connecting again would not help.
func final(err error) bool {
	if end, ok := errors.AsType[*End](err); ok {
		switch end.Code {
		case "server_shutdown", "read_model_unavailable", "slow_consumer", "token_expired": // the next token may be good
			return false
		}
		return true
	}
	problem, ok := errors.AsType[*Error](err)
	return ok && !problem.Retryable
}

// pauseAfter is how long to wait before the next connection: at random, so that not
// all clients of a server that was away come at once.
func (f *follower) pauseAfter(err error) time.Duration {
	d := min(f.retry<<min(f.failed, 10), maxPause)
	d = rand.N(d + 1)
	if problem, ok := errors.AsType[*Error](err); ok {
		d = max(d, problem.RetryAfter)
	}
	return d
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// heard is a body that sounds the alarm where nothing comes: it does not count how
// long the caller takes with what has come.
type heard struct {
	io.Reader
	quiet *time.Timer
}

func (h *heard) Read(b []byte) (int, error) {
	h.quiet.Reset(silence)
	n, err := h.Reader.Read(b)
	h.quiet.Stop()
	return n, err
}
