package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	roomlog "github.com/roomlog/roomlog/clients/go"
	"github.com/roomlog/roomlog/pkg/events"
)

const (
	serverPage     = 200 // the largest that the API gives
	requestTimeout = 30 * time.Second
	maxAnswer      = 64 << 20
)

// Server prints the events that the person with the token may see, from a
// server's replay. It returns how many were printed. Seqs that are not for that
// person's eyes are missing.
func Server(ctx context.Context, base, token string, room events.RoomID, rng Range, out io.Writer) (int64, error) {
	rng, err := rng.complete()
	if err != nil {
		return 0, err
	}
	connections := &http.Client{Timeout: requestTimeout}
	defer connections.CloseIdleConnections()
	client, err := roomlog.New(base, roomlog.StaticToken(token), roomlog.WithHTTPClient(connections))
	if err != nil {
		return 0, err
	}
	w := newWriter(out, rng.From-1)
	for {
		items, err := fetch(ctx, client, room, w.last)
		if err != nil {
			return w.count, fmt.Errorf("answer of %s: %w", base, err)
		}
		for _, raw := range items {
			var item struct {
				Seq  events.Seq `json:"seq"`
				Time time.Time  `json:"time"`
			}
			if err := json.Unmarshal(raw, &item); err != nil {
				return w.count, fmt.Errorf("answer of %s: %w", base, err)
			}
			if item.Seq <= w.last {
				return w.count, fmt.Errorf("answer of %s: event %d after event %d", base, item.Seq, w.last)
			}
			if item.Seq > rng.Until {
				return w.count, w.flush()
			}
			w.last = item.Seq - 1
			if !rng.has(item.Time) {
				w.last = item.Seq
				continue
			}
			if err := w.write(item.Seq, raw); err != nil {
				return w.count, err
			}
		}
		if len(items) == 0 {
			return w.count, w.flush()
		}
	}
}

// fetch gives a page as it stands, so that it is printed so.
func fetch(ctx context.Context, client *roomlog.Client, room events.RoomID, after events.Seq) ([]json.RawMessage, error) {
	res, err := client.ListEvents(ctx, string(room), &roomlog.ListEventsParams{After: new(int64(after)), Limit: new(serverPage)})
	if e, ok := errors.AsType[*roomlog.Error](err); ok && e.Status == http.StatusNotFound {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoRoom, room, err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&page); err != nil {
		return nil, fmt.Errorf("page of events: %w", err)
	}
	return page.Items, nil
}
