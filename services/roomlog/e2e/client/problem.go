package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"time"
)

// Problem is an answer with a status of 400 or more: RFC 9457's
// application/problem+json with roomlog's own members.
type Problem struct {
	Status    int    `json:"status"`
	Type      string `json:"type"`
	Title     string `json:"title"`
	Detail    string `json:"detail"`
	Code      string `json:"code"`
	Retryable bool   `json:"retryable"`
	RequestID string `json:"request_id"`
	// RetryAfter is the header of that name, zero where there is none.
	RetryAfter time.Duration `json:"-"`
	// Malformed tells what is wrong with the answer itself; empty: nothing.
	Malformed string `json:"-"`

	request string
}

func (p *Problem) Error() string {
	if p.Malformed != "" {
		return fmt.Sprintf("%s: %d, %s", p.request, p.Status, p.Malformed)
	}
	return fmt.Sprintf("%s: %d %s: %s", p.request, p.Status, p.Code, p.Detail)
}

// CodeOf is the problem's code where err is a [*Problem], else empty.
func CodeOf(err error) string {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Code
	}
	return ""
}

// StatusOf is the HTTP status where err is a [*Problem], else 0.
func StatusOf(err error) int {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Status
	}
	return 0
}

func problemOf(r Request, a Answer) *Problem {
	p := &Problem{}
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	err := json.Unmarshal(a.Body, p)
	switch {
	case kind != "application/problem+json":
		p.Malformed = fmt.Sprintf("content type %q is not that of a problem", kind)
	case err != nil:
		p.Malformed = "body is not JSON: " + err.Error()
	case p.Code == "" || p.Title == "" || p.RequestID == "":
		p.Malformed = "code, title or request_id is missing"
	case p.Status != a.Status:
		p.Malformed = fmt.Sprintf("the body says status %d", p.Status)
	}
	p.Status, p.request = a.Status, r.Method+" "+r.Path
	if d, err := time.ParseDuration(a.Header.Get("Retry-After") + "s"); err == nil {
		p.RetryAfter = d
	}
	return p
}
