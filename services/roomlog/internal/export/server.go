package export

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

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
	client := &http.Client{Timeout: requestTimeout}
	defer client.CloseIdleConnections()
	w := newWriter(out, rng.From-1)
	for {
		items, err := fetch(ctx, client, base, token, room, w.last)
		if err != nil {
			return w.count, err
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

func fetch(
	ctx context.Context, client *http.Client, base, token string, room events.RoomID, after events.Seq,
) ([]json.RawMessage, error) {
	target := strings.TrimRight(base, "/") + "/v1/rooms/" + url.PathEscape(string(room)) + "/events?" + url.Values{
		"after": {strconv.FormatInt(int64(after), 10)}, "limit": {strconv.Itoa(serverPage)},
	}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("answer of %s: %w", base, err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, refused(base, room, res.StatusCode, body)
	}
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("answer of %s: %w", base, err)
	}
	return page.Items, nil
}

func refused(base string, room events.RoomID, status int, body []byte) error {
	var p struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}
	_ = json.Unmarshal(body, &p) // a proxy's answer has neither
	if status == http.StatusNotFound {
		return fmt.Errorf("%w at %s: %s (%s)", ErrNoRoom, base, room, p.Code)
	}
	return fmt.Errorf("%s answered %d %s: %s", base, status, p.Code, p.Detail)
}
