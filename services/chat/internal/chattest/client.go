package chattest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Client is one user of the API.
type Client struct {
	t     testing.TB
	url   string
	token string
	http  *http.Client
}

// As gives a client with a token of the user.
func (w *World) As(user string, claims ...func(jwt.MapClaims)) *Client {
	return &Client{t: w.T, url: w.URL, token: Token(user, claims...), http: w.checked()}
}

// In gives the same client for a subtest.
func (c *Client) In(t testing.TB) *Client {
	other := *c
	other.t = t
	return &other
}

// Unchecked gives the same client, whose answers are not held against the API's
// description: for floods.
func (c *Client) Unchecked() *Client {
	t := &http.Transport{MaxIdleConnsPerHost: 64}
	c.t.Cleanup(t.CloseIdleConnections)
	other := *c
	other.http = &http.Client{Transport: t}
	return &other
}

// Token signs a token that is good for an hour.
func Token(user string, change ...func(jwt.MapClaims)) string {
	c := jwt.MapClaims{"sub": user, "exp": time.Now().Add(time.Hour).Unix()}
	for _, f := range change {
		f(c)
	}
	s, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte(TestSecret))
	if err != nil {
		panic(err)
	}
	return s
}

// Answer is what came back.
type Answer struct {
	t      testing.TB
	Status int
	Header http.Header
	Body   []byte
}

// Header is a request header.
type Header struct{ Name, Value string }

// Do sends a request; a body that is neither nil, string nor []byte becomes JSON.
func (c *Client) Do(method, path string, body any, headers ...Header) Answer {
	c.t.Helper()
	return c.answer(c.send(method, path, body, headers...)) //nolint:bodyclose // answer does
}

// answer reads all of what came back.
func (c *Client) answer(res *http.Response) Answer {
	c.t.Helper()
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", res.Request.Method, res.Request.URL, err)
	}
	return Answer{c.t, res.StatusCode, res.Header, b}
}

func (c *Client) send(method, path string, body any, headers ...Header) *http.Response {
	c.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, r)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, h := range headers {
		if h.Value == "-" {
			req.Header.Del(h.Name)
		} else {
			req.Header[http.CanonicalHeaderKey(h.Name)] = []string{h.Value}
		}
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return res
}

// Get is Do, as are Put, Post, Patch and Delete.
func (c *Client) Get(path string, headers ...Header) Answer {
	c.t.Helper()
	return c.Do(http.MethodGet, path, nil, headers...)
}

// Put sends a body.
func (c *Client) Put(path string, body any, headers ...Header) Answer {
	c.t.Helper()
	return c.Do(http.MethodPut, path, body, headers...)
}

// Post sends a body.
func (c *Client) Post(path string, body any, headers ...Header) Answer {
	c.t.Helper()
	return c.Do(http.MethodPost, path, body, headers...)
}

// Patch sends a body.
func (c *Client) Patch(path string, body any, headers ...Header) Answer {
	c.t.Helper()
	return c.Do(http.MethodPatch, path, body, headers...)
}

// Delete sends no body.
func (c *Client) Delete(path string, headers ...Header) Answer {
	c.t.Helper()
	return c.Do(http.MethodDelete, path, nil, headers...)
}

// Wait is the preference to wait for a verdict.
var Wait = Header{"Prefer", "wait=10"}

// At sends a position along.
func At(token string) Header { return Header{"Roomlog-Position", token} }

// Key sends an idempotency key along.
func Key(k string) Header { return Header{"Idempotency-Key", k} }

// IfMatch asks for a version.
func IfMatch(version int) Header { return Header{"If-Match", strconv.Quote(strconv.Itoa(version))} }

// Is fails the test where the status is another.
func (a Answer) Is(status int) Answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("status %d, want %d: %s", a.Status, status, a.Body)
	}
	return a
}

// Problem fails the test where the answer is not this problem.
func (a Answer) Problem(status int, code string) Answer {
	a.t.Helper()
	if got := a.Field("code"); a.Status != status || got != code {
		a.t.Fatalf("%d %v, want %d %s: %s", a.Status, got, status, code, a.Body)
	}
	return a
}

// Field gives a field of the body.
func (a Answer) Field(name string) any {
	a.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.Body, &m); err != nil {
		a.t.Fatalf("body %q: %v", a.Body, err)
	}
	return m[name]
}

// Text gives a field that is a string.
func (a Answer) Text(name string) string {
	a.t.Helper()
	s, ok := a.Field(name).(string)
	if !ok {
		a.t.Fatalf("%s is no string: %s", name, a.Body)
	}
	return s
}

// Position gives the answer's token.
func (a Answer) Position() string { return a.Header.Get("Roomlog-Position") }

// Into decodes the body.
func (a Answer) Into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		a.t.Fatalf("body %q: %v", a.Body, err)
	}
}
