// Package client is a client of the chat API for tests and measurements: thin
// enough that what the server says is seen, strict enough that a wrong answer is
// an error.
//
// A [Client] keeps the latest position token and sends it with every request,
// so it reads its own writes on any replica. It may be used by several
// goroutines; the token then is that of the answer which came last: give each
// goroutine that reads its writes a client of its own ([Client.As]).
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// PositionHeader carries the position token, in requests and answers.
const PositionHeader = "Roomlog-Position"

const (
	maxAnswer      = 64 << 20
	defaultTimeout = 60 * time.Second
)

// Client is one person's view of one replica.
type Client struct {
	base, token string
	http        *http.Client
	position    *position
}

// New makes a client of the server at base ("http://host:port") for the person
// whose token it is. The connections are its own; requests take at most a minute.
func New(base, token string) *Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost, t.MaxIdleConns = 256, 0
	return &Client{
		base: strings.TrimRight(base, "/"), token: token,
		http: &http.Client{Transport: t}, position: new(position),
	}
}

// At is the same client on another replica: same person, same position token.
func (c *Client) At(base string) *Client {
	other := *c
	other.base = strings.TrimRight(base, "/")
	return &other
}

// As is another person on the same replica, over the same connections, with a
// position token of their own.
func (c *Client) As(token string) *Client {
	other := *c
	other.token, other.position = token, new(position)
	return &other
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Position is the latest token, empty before the first.
func (c *Client) Position() string { return c.position.get() }

// SetPosition makes token the one to send; empty asks for nothing.
func (c *Client) SetPosition(token string) { c.position.set(token) }

// Request is one request to the API.
type Request struct {
	Method string
	Path   string // from /v1 on, escaped
	Query  url.Values
	Header http.Header
	// Body is sent as JSON; a []byte as it is; nil: none.
	Body any
}

// Answer is what came back, whatever the status.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request and reads the whole answer. A status of 400 or more is a
// [*Problem], with the answer beside it.
func (c *Client) Do(ctx context.Context, r Request) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	res, err := c.send(ctx, r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	a := Answer{Status: res.StatusCode, Header: res.Header}
	if a.Body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer)); err != nil {
		return a, fmt.Errorf("%s %s: read answer: %w", r.Method, r.Path, err)
	}
	if a.Status >= http.StatusBadRequest {
		return a, problemOf(r, a)
	}
	return a, nil
}

// JSON is [Client.Do] that decodes the answer's body into out.
func (c *Client) JSON(ctx context.Context, r Request, out any) (Answer, error) {
	a, err := c.Do(ctx, r)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(a.Body, out); err != nil {
		return a, fmt.Errorf("%s %s: answer %d: %w", r.Method, r.Path, a.Status, err)
	}
	return a, nil
}

// send sends a request and returns the open answer.
func (c *Client) send(ctx context.Context, r Request) (*http.Response, error) {
	var body io.Reader
	switch b := r.Body.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			return nil, fmt.Errorf("%s %s: encode body: %w", r.Method, r.Path, err)
		}
		body = bytes.NewReader(j)
	}
	target := c.base + r.Path
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, body)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, r.Header)
	if body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" && req.Header.Get("Authorization") == "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if p := c.position.get(); p != "" && req.Header.Get(PositionHeader) == "" {
		req.Header.Set(PositionHeader, p)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if p := res.Header.Get(PositionHeader); p != "" {
		c.position.set(p)
	}
	return res, nil
}

// position is the latest token.
type position struct {
	mu    sync.Mutex
	token string
}

func (p *position) get() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.token
}

func (p *position) set(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = token
}
