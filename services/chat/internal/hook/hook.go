// Package hook asks a program of the operator's what it says of a command before
// it is published: it may refuse it, or give a message another text.
//
// The program has a short time. What happens where it fails is the operator's
// choice; after some failures in a row only one command a second waits for it. A
// hook is safe for concurrent use.
package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/breaker"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

const (
	// maxAnswer is how much the program may answer.
	maxAnswer = events.MaxEvent
	// maxReason is how much of its reason a client is shown.
	maxReason = 1 << 10
	// maxConnections is how many commands may be asked about at once; others wait,
	// within their time.
	maxConnections = 256
	// failures in a row, after which the program is given up for a while.
	failures = 3
)

// Observer counts what the program says.
type Observer interface {
	// Hooked tells how a command fared ("allowed", "refused", "replaced", "failed",
	// "skipped": not asked) and how long it took.
	Hooked(result string, took time.Duration)
}

// Config says whom to ask.
type Config struct {
	URL string
	// Secret signs the requests; empty: they are not signed.
	Secret []byte
	// Timeout is how long the program may take.
	Timeout time.Duration
	// Allow lets commands pass where the program fails.
	Allow bool
	// Types are those of the events to ask about; empty: all.
	Types    []events.Type
	Now      func() time.Time
	Observer Observer
	Logger   *slog.Logger
}

// Hook asks.
type Hook struct {
	Config
	key     []byte
	client  *http.Client
	breaker breaker.Breaker
}

// New makes a hook.
func New(c Config) (*Hook, error) {
	key, err := signingKey(c.Secret)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = maxConnections, maxConnections
	return &Hook{
		Config: c, key: key, breaker: breaker.Breaker{After: failures},
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close ends the connections.
func (h *Hook) Close() { h.client.CloseIdleConnections() }

// Ask gives the event to publish: e itself, or one with another text. Errors are
// problems (refused_by_hook, hook_unavailable), or that of ctx.
func (h *Hook) Ask(ctx context.Context, e *events.Event, actor events.UserID) (*events.Event, error) {
	if !h.asks(e.Type) {
		return e, nil
	}
	if !h.breaker.Allows(h.Now()) {
		h.Observer.Hooked("skipped", 0)
		return h.without(e, errors.New("it has failed a moment ago"))
	}
	began := time.Now()
	answer, err := h.post(ctx, e, actor)
	instead := e
	if err == nil && answer.Action == actionReplace {
		instead, err = reword(e, answer.Text)
	}
	took := time.Since(began)
	switch {
	case ctx.Err() != nil: // the client has hung up: that says nothing of the program
		return nil, ctx.Err()
	case err != nil:
		h.breaker.Failed(h.Now())
		h.Observer.Hooked("failed", took)
		h.Logger.Warn("the hook has failed", "room_id", e.Room, "event_id", e.ID, "allowed", h.Allow, "error", err)
		return h.without(e, err)
	}
	h.breaker.Worked()
	h.Observer.Hooked(results[answer.Action], took)
	if answer.Action == actionRefuse {
		return nil, problem.New(problem.RefusedByHook, answer.reason())
	}
	return instead, nil
}

// asks reports whether the program is asked about events of a type. What is a
// person's own is nobody else's business.
func (h *Hook) asks(t events.Type) bool {
	if t == events.TypeMarkMoved || t == events.TypePreferencesChanged || t == events.TypeTokensRevoked {
		return false
	}
	return len(h.Types) == 0 || slices.Contains(h.Types, t)
}

// without is what becomes of a command that the program has said nothing of.
func (h *Hook) without(e *events.Event, cause error) (*events.Event, error) {
	if h.Allow {
		return e, nil
	}
	return nil, problem.Caused(problem.HookUnavailable, "what has to be asked about commands does not answer: nothing was written", cause)
}

// request is what the program is sent.
type request struct {
	Type      events.Type    `json:"type"`
	Timestamp readmodel.Time `json:"timestamp"`
	Data      data           `json:"data"`
}

// data is the event as clients will see it, and who stands behind it.
type data struct {
	Tenant events.Tenant  `json:"tenant"`
	Room   events.RoomID  `json:"room"`
	ID     events.EventID `json:"event_id"`
	Sender events.UserID  `json:"sender"`
	Actor  events.UserID  `json:"actor,omitempty"`
	Data   any            `json:"data"`
}

// post sends the event and reads the answer.
func (h *Hook) post(ctx context.Context, e *events.Event, actor events.UserID) (a answer, err error) {
	body, err := encode(e, actor)
	if err != nil {
		return a, err
	}
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	req.Header.Set("Content-Type", "application/json")
	sign(req.Header, h.key, string(e.ID), h.Now(), body)
	res, err := h.client.Do(req)
	if err != nil {
		return a, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return a, fmt.Errorf("read the answer: %w", err)
	}
	return parseAnswer(res.StatusCode, b)
}

func encode(e *events.Event, actor events.UserID) ([]byte, error) {
	facts, err := json.Marshal(e.Facts)
	if err != nil {
		return nil, fmt.Errorf("encode facts: %w", err)
	}
	row := readmodel.EventRow{
		Key: readmodel.Key{Tenant: e.Tenant, Room: e.Room}, ID: e.ID, Type: e.Type, Version: events.Newest(e.Type), Sender: e.Facts.By().Sender,
		Facts: string(facts), Content: string(e.Content),
	}
	item, err := row.Item()
	if err != nil {
		return nil, err
	}
	return json.Marshal(request{
		Type: e.Type, Timestamp: readmodel.Time(e.Time.UnixMilli()),
		Data: data{Tenant: e.Tenant, Room: e.Room, ID: e.ID, Sender: row.Sender, Actor: actor, Data: item.Data},
	})
}
