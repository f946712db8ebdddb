package roomlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

const (
	maxProblem = 1 << 20
	maxExcerpt = 200
)

// Error is an answer with a status of 400 or more. Where it is no problem of the
// API's (a proxy's page), Code is empty and Detail is what it says.
type Error struct {
	Problem
	// RetryAfter is how long to wait before another try; zero: the server does not say.
	RetryAfter time.Duration
}

// Error says what was wrong.
func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%d %s: %s", e.Status, e.Title, e.Detail)
	}
	return fmt.Sprintf("%d %s: %s (request %s)", e.Status, e.Code, e.Detail, e.RequestID)
}

// CodeOf gives the code of an [*Error], or of the [*End] of a stream; else it is
// empty.
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	if e, ok := errors.AsType[*End](err); ok {
		return e.Code
	}
	return ""
}

// errorOf reads and closes an answer.
func errorOf(res *http.Response) *Error {
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	e := &Error{}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil && kind == "application/problem+json" {
		err = json.Unmarshal(body, &e.Problem)
	}
	if err != nil || e.Code == "" {
		e.Problem = Problem{
			Title: http.StatusText(res.StatusCode), Detail: string(body[:min(len(body), maxExcerpt)]), Retryable: passes(res.StatusCode),
		}
	}
	e.Status = res.StatusCode
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}

// passes reports whether a proxy says that something is away.
func passes(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
