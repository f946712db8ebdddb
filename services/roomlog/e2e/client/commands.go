package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// Ack is the answer to a command.
type Ack struct {
	// Status is 202, or 201 or 200 where [Command.Wait] was long enough.
	Status int `json:"-"`
	// EventID is empty where the answer is the resource (Status 200, 201).
	EventID events.EventID `json:"event_id"`
	// Position is the command's place in the log; nil: not known yet.
	Position *string `json:"position"`
	// Seq is the event's number, where it is folded already.
	Seq events.Seq `json:"seq"`
	// Location is where its outcome stands.
	Location string `json:"-"`
}

// Known reports whether the log has acknowledged the command.
func (a Ack) Known() bool { return a.Status != http.StatusAccepted || a.Position != nil }

// Command are the options that every command has.
type Command struct {
	// Key is the Idempotency-Key; empty: none.
	Key string
	// Wait is how long to wait for the verdict, whole seconds up to 30; zero: not.
	Wait time.Duration
}

func (c Command) header() http.Header {
	h := http.Header{}
	if c.Key != "" {
		h.Set("Idempotency-Key", c.Key)
	}
	if c.Wait > 0 {
		h.Set("Prefer", fmt.Sprintf("wait=%d", int(c.Wait.Seconds())))
	}
	return h
}

// NewRoom is the body of a room's creation.
type NewRoom struct {
	Kind events.RoomKind `json:"kind,omitempty"`
	Name string          `json:"name,omitempty"`
}

// PutRoom gets or creates a room.
func (c *Client) PutRoom(ctx context.Context, room events.RoomID, body NewRoom, cmd Command) (Ack, error) {
	return c.command(ctx, http.MethodPut, roomPath(room), body, cmd)
}

// PutMember changes a person's membership: "join", "invite", "leave", "ban".
func (c *Client) PutMember(
	ctx context.Context, room events.RoomID, user events.UserID, membership events.Membership, cmd Command,
) (Ack, error) {
	body := map[string]any{"membership": membership}
	return c.command(ctx, http.MethodPut, roomPath(room)+"/members/"+url.PathEscape(string(user)), body, cmd)
}

// NewMessage is the body of a message.
type NewMessage struct {
	Text        string          `json:"text"`
	Type        string          `json:"type,omitempty"`
	ClientMsgID string          `json:"client_msg_id,omitempty"`
	ReplyTo     events.EventID  `json:"reply_to,omitempty"`
	ThreadRoot  events.EventID  `json:"thread_root,omitempty"`
	Mentions    []events.UserID `json:"mentions,omitempty"`
}

// Post sends a message.
func (c *Client) Post(ctx context.Context, room events.RoomID, m NewMessage, cmd Command) (Ack, error) {
	return c.command(ctx, http.MethodPost, roomPath(room)+"/messages", m, cmd)
}

func (c *Client) command(ctx context.Context, method, path string, body any, cmd Command) (Ack, error) {
	var ack Ack
	a, err := c.JSON(ctx, Request{Method: method, Path: path, Header: cmd.header(), Body: body}, &ack)
	ack.Status, ack.Location = a.Status, a.Header.Get("Location")
	if err == nil && a.Status == http.StatusAccepted && ack.EventID == "" {
		return ack, fmt.Errorf("%s %s: 202 without an event id", method, path)
	}
	return ack, err
}

func roomPath(room events.RoomID) string { return "/v1/rooms/" + url.PathEscape(string(room)) }
