package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// pageSize is the largest page that the API gives.
const pageSize = 200

// Message is a message as pages show it.
type Message struct {
	ID      events.EventID `json:"id"`
	Seq     events.Seq     `json:"seq"`
	Room    events.RoomID  `json:"room"`
	Sender  events.UserID  `json:"sender"`
	SentAt  time.Time      `json:"sent_at"`
	Type    string         `json:"type"`
	Text    string         `json:"text"`
	ReplyTo events.EventID `json:"reply_to"`
	Replies int            `json:"replies"`
}

// Event is an accepted event as replay and streams show it.
type Event struct {
	Seq    events.Seq      `json:"seq"`
	Type   events.Type     `json:"type"`
	ID     events.EventID  `json:"event_id"`
	Room   events.RoomID   `json:"room"`
	Sender events.UserID   `json:"sender"`
	Time   time.Time       `json:"time"`
	Data   json.RawMessage `json:"data"`
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"`
	Prev  *string `json:"prev"`
}

// Outcome is what became of a command.
type Outcome struct {
	Status   string     `json:"status"` // pending, accepted, rejected, expired
	Seq      events.Seq `json:"seq"`
	Code     string     `json:"code"`
	Position *string    `json:"position"`
}

// Get decodes the answer to a GET into out.
func (c *Client) Get(ctx context.Context, path string, query url.Values, out any) error {
	_, err := c.JSON(ctx, Request{Method: http.MethodGet, Path: path, Query: query}, out)
	return err
}

// Outcome asks what became of a command.
func (c *Client) Outcome(ctx context.Context, room events.RoomID, id events.EventID) (Outcome, error) {
	var o Outcome
	err := c.Get(ctx, roomPath(room)+"/outcomes/"+url.PathEscape(string(id)), nil, &o)
	return o, err
}

// Room is the decoded answer to GET of a room.
func (c *Client) Room(ctx context.Context, room events.RoomID) (map[string]any, error) {
	var r map[string]any
	err := c.Get(ctx, roomPath(room), nil, &r)
	return r, err
}

// Messages is one page; query has limit and one of before, after, around, at.
func (c *Client) Messages(ctx context.Context, room events.RoomID, query url.Values) (Page[Message], error) {
	var p Page[Message]
	err := c.Get(ctx, roomPath(room)+"/messages", query, &p)
	return p, err
}

// Events is one page of accepted events after a seq; no types: all.
func (c *Client) Events(
	ctx context.Context, room events.RoomID, after events.Seq, limit int, types ...events.Type,
) (Page[Event], error) {
	q := url.Values{"after": {seq(after)}, "limit": {strconv.Itoa(limit)}}
	if len(types) > 0 {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = string(t)
		}
		q.Set("types", strings.Join(names, ","))
	}
	var p Page[Event]
	err := c.Get(ctx, roomPath(room)+"/events", q, &p)
	return p, err
}

// AllMessages pages through a room from its first message on and calls each,
// ascending by seq. A page that does not ascend is an error.
func (c *Client) AllMessages(ctx context.Context, room events.RoomID, each func(Message) error) error {
	for last := events.Seq(0); ; {
		p, err := c.Messages(ctx, room, url.Values{"after": {seq(last)}, "limit": {strconv.Itoa(pageSize)}})
		if err != nil {
			return err
		}
		if len(p.Items) == 0 {
			return nil
		}
		for _, m := range p.Items {
			if m.Seq <= last {
				return fmt.Errorf("messages of %s: seq %d after %d", room, m.Seq, last)
			}
			last = m.Seq
			if err := each(m); err != nil {
				return err
			}
		}
	}
}

// AllMessagesBackwards pages from the newest message to the first and calls
// each page, whose items ascend.
func (c *Client) AllMessagesBackwards(ctx context.Context, room events.RoomID, each func([]Message) error) error {
	q := url.Values{"limit": {strconv.Itoa(pageSize)}}
	for before := events.Seq(0); ; {
		p, err := c.Messages(ctx, room, q)
		if err != nil {
			return err
		}
		if len(p.Items) == 0 {
			return nil
		}
		if before > 0 && p.Items[len(p.Items)-1].Seq >= before {
			return fmt.Errorf("messages of %s before %d: seq %d", room, before, p.Items[len(p.Items)-1].Seq)
		}
		if err := each(p.Items); err != nil {
			return err
		}
		before = p.Items[0].Seq
		q.Set("before", seq(before))
	}
}

// AllEvents replays a room from after its seq after to its present end and
// calls each event. A seq that is not the next one is an error: use it as
// someone who may see everything.
func (c *Client) AllEvents(ctx context.Context, room events.RoomID, after events.Seq, each func(Event) error) error {
	for last := after; ; {
		p, err := c.Events(ctx, room, last, pageSize)
		if err != nil {
			return err
		}
		if len(p.Items) == 0 {
			return nil
		}
		for _, e := range p.Items {
			if e.Seq != last+1 {
				return fmt.Errorf("events of %s: seq %d after %d", room, e.Seq, last)
			}
			last = e.Seq
			if err := each(e); err != nil {
				return err
			}
		}
	}
}

func seq(s events.Seq) string { return strconv.FormatInt(int64(s), 10) }
