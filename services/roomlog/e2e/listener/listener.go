// Package listener follows as a careful client does, for tests: it goes on from its
// cursor wherever a stream breaks off, and keeps what it got.
package listener

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/roomlog/roomlog/clients/go/sse"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
)

// Everything is the path of all of a person's rooms.
const Everything = "/v1/events"

// retry is the pause before a listener goes on at another replica: one that is gone
// refuses at once.
const retry = 20 * time.Millisecond

// errCut is why a listener leaves a stream.
var errCut = errors.New("cut")

// Listener follows at one replica after the other.
type Listener struct {
	Client *client.Client
	URLs   []string // of the replicas; it begins at the first
	Path   string
	Query  url.Values         // besides the cursor
	Cursor string             // behind what it has
	Cut    int                // leaves a stream after so many events, and goes on elsewhere; zero: never
	Until  string             // a message with this text is the last; empty: the stream's end is
	Each   func(client.Event) // is told of each event; may be nil

	Got  []client.Event
	Cuts int // how often it went on
}

// Room is the path of a room's events.
func Room(room events.RoomID) string { return "/v1/rooms/" + url.PathEscape(string(room)) + "/events" }

// Run follows to the end. The error is that of the stream, or of what it got.
func (l *Listener) Run(ctx context.Context) error {
	for at := 0; ; at++ {
		begin := len(l.Got)
		query := url.Values{"after": {l.Cursor}}
		maps.Copy(query, l.Query)
		err := l.Client.At(l.URLs[at%len(l.URLs)]).Stream(ctx, l.Path, query, func(f sse.Frame) error {
			return l.take(f, begin)
		})
		var end *client.End
		switch {
		case err == nil, ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case errors.As(err, &end) && end.Code != "server_shutdown" && end.Code != "slow_consumer":
			return err
		case errors.As(err, new(*client.Problem)):
			return fmt.Errorf("%s after %s: %w", l.Path, l.Cursor, err)
		}
		l.Cuts++
		select {
		case <-time.After(retry):
		case <-ctx.Done():
		}
	}
}

func (l *Listener) take(f sse.Frame, begin int) error {
	if f.ID != "" {
		l.Cursor = f.ID
	}
	if f.ID == "" || f.Data == "" {
		return nil
	}
	e, err := client.Decode(f)
	if err != nil {
		return err
	}
	l.Got = append(l.Got, e)
	if l.Each != nil {
		l.Each(e)
	}
	switch {
	case l.Until != "" && TextOf(e) == l.Until:
		return client.ErrStop
	case l.Cut > 0 && len(l.Got)-begin >= l.Cut:
		return errCut
	}
	return nil
}

// Has reports whether it has got these events of a room, in order, each once, and
// no others of that room.
func (l *Listener) Has(room events.RoomID, want []client.Event) bool {
	got := slices.DeleteFunc(slices.Clone(l.Got), func(e client.Event) bool { return e.Room != room })
	return slices.EqualFunc(got, want, func(a, b client.Event) bool { return a.Seq == b.Seq && a.ID == b.ID })
}

// TextOf is what a message says; empty: it is none.
func TextOf(e client.Event) string {
	var data struct {
		Text string `json:"text"`
	}
	_ = json.Unmarshal(e.Data, &data)
	return data.Text
}
