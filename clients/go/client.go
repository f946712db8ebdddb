package roomlog

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	headerPosition = "Roomlog-Position"
	// codeOtherLog is the problem that a position of a log that was replaced makes.
	codeOtherLog = "position_of_another_log"
)

// Client is one person's view of the API.
type Client struct {
	*ClientWithResponses
	door *door
	// pause waits for so long, or until ctx ends.
	pause func(ctx context.Context, d time.Duration)
}

// TokenSource gives the bearer token of a request. It is asked before each, so that
// it may give a new one in time.
type TokenSource func(ctx context.Context) (string, error)

// StaticToken is the same token always.
func StaticToken(token string) TokenSource {
	return func(context.Context) (string, error) { return token, nil }
}

// New makes a client of the server at a URL, as whoever has the token.
func New(server string, token TokenSource, options ...ClientOption) (*Client, error) {
	operations, err := NewClient(server, options...)
	if err != nil {
		return nil, err
	}
	d := &door{next: operations.Client, token: token}
	operations.Client = d
	return &Client{ClientWithResponses: &ClientWithResponses{operations}, door: d, pause: pause}, nil
}

// Position is the latest position token; empty before the first.
func (c *Client) Position() string { return c.door.position() }

// SetPosition makes it the latest one: of this person's last visit, say.
func (c *Client) SetPosition(token string) { c.door.setPosition(token) }

// door is what all requests go through.
type door struct {
	next  HttpRequestDoer
	token TokenSource

	mu     sync.Mutex
	latest string
}

// Do sends a request as the person at their position. Its error is an [*Error] where
// the server answered with one.
func (d *door) Do(req *http.Request) (*http.Response, error) {
	token, err := d.token(req.Context())
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	sent := d.position()
	if sent != "" {
		req.Header.Set(headerPosition, sent)
	}
	res, err := d.next.Do(req)
	if err != nil {
		return nil, err
	}
	d.note(req.Method, sent, res.Header.Get(headerPosition))
	if res.StatusCode < http.StatusBadRequest {
		return res, nil
	}
	problem := errorOf(res)
	if problem.Code == codeOtherLog {
		d.forget(sent)
	}
	return nil, problem
}

// note keeps the position of an answer. The server has joined it with the one that
// was sent; where another answer has come meanwhile, only a command's replaces that:
// a slow read does not make one forget what one wrote since.
func (d *door) note(method, sent, got string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if got != "" && (d.latest == sent || method != http.MethodGet) {
		d.latest = got
	}
}

func (d *door) forget(token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.latest == token {
		d.latest = ""
	}
}

func (d *door) position() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.latest
}

func (d *door) setPosition(token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.latest = token
}
