package roomlog

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// connections answers each connection of a stream with the next script, and notes
// where the client asked to go on from.
func connections(t *testing.T, scripts ...func(http.ResponseWriter)) (*Client, *[]time.Duration, *[]string) {
	t.Helper()
	from := new([]string)
	c, pauses := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := len(*from)
		*from = append(*from, r.URL.Query().Get("after")+"|"+r.Header.Get("Last-Event-ID"))
		switch {
		case r.Header.Get("Accept") != "text/event-stream":
			t.Errorf("accepted is %q", r.Header.Get("Accept"))
		case n >= len(scripts):
			t.Errorf("connection %d", n+1)
		default:
			scripts[n](w)
		}
	})
	return c, pauses, from
}

// lines is a stream that breaks off behind them.
func lines(text ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = w.Write([]byte(strings.Join(text, "\n") + "\n")) }
}

const ended = "event: end\ndata: {\"code\":\"room_deleted\",\"cursor\":9}\n"

// told follows the lobby and gives what was told, and the last error.
func told(ctx context.Context, c *Client) (out []string, err error) {
	var t Told
	for t, err = range c.Follow(ctx, "lobby", &ListEventsParams{After: new(int64(4))}) {
		if err == nil {
			out = append(out, t.Cursor+" "+t.Type+" "+string(t.Data))
		}
	}
	return out, err
}

func TestFollowGoesOnBehindACut(t *testing.T) {
	c, pauses, from := connections(
		t,
		lines("retry: 40", "", ":", "", "id: 5", "event: message.posted", "data: {", "data: }", "", "id: 6", "event: cut"),
		lines(":", "id: 7", "", "event: typing", `data: {"user":"bob"}`, ""),
		lines(`event: end`, `data: {"code":"server_shutdown","cursor":8}`, ""),
		func(w http.ResponseWriter) { refuse(w, 503, "read_model_unavailable", true) },
		lines("retry: 1", "", `event: end`, `data: {"code":"slow_consumer","cursor":8}`, ""),
		lines(ended),
	)
	got, err := told(t.Context(), c)
	want := []string{"5 message.posted {\n}", ` typing {"user":"bob"}`}
	if end, ok := errors.AsType[*End](err); !ok || *end != (End{"room_deleted", "9"}) || CodeOf(err) != "room_deleted" || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("told %q, error %v", got, err)
	}
	if want := []string{"4|", "4|5", "4|7", "4|8", "4|8", "4|8"}; fmt.Sprint(*from) != fmt.Sprint(want) {
		t.Errorf("connected from %q", *from)
	}
	if p := *pauses; len(p) != 5 || p[0] > 40*time.Millisecond || p[2] > 80*time.Millisecond || p[3] != 7*time.Second {
		t.Errorf("pauses %v", p)
	}
}

func TestFollowEnds(t *testing.T) {
	first := lines("id: 5", "event: x", "data: {}", "")
	for code, scripts := range map[string][]func(http.ResponseWriter){
		"room_deleted":   {lines(ended)},
		"some_new_code":  {lines("event: end", `data: {"code":"some_new_code","cursor":"c"}`, "")},
		"not_a_member":   {first, func(w http.ResponseWriter) { refuse(w, 403, "not_a_member", false) }},
		"token_expired":  {lines("event: end", `data: {"code":"token_expired","cursor":5}`, ""), func(w http.ResponseWriter) { refuse(w, 401, "token_expired", false) }},
		"log_is_away":    {func(w http.ResponseWriter) { refuse(w, 503, "log_is_away", true) }}, // at first, one is told
		"room_not_found": {func(w http.ResponseWriter) { refuse(w, 404, "room_not_found", false) }},
	} {
		t.Run(code, func(t *testing.T) {
			c, _, from := connections(t, scripts...)
			if _, err := told(t.Context(), c); CodeOf(err) != code || len(*from) != len(scripts) {
				t.Errorf("error %v after %d connections", err, len(*from))
			}
		})
	}
}

func TestFollowCanBeLeft(t *testing.T) {
	c, pauses, _ := connections(t, lines("id: 5", "event: x", "data: {}", "", "id: 6", "event: x", "data: {}", ""))
	for _, err := range c.FollowAll(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	silent, _, _ := connections(t, func(w http.ResponseWriter) { w.(http.Flusher).Flush(); cancel() })
	if _, err := told(ctx, silent); !errors.Is(err, context.Canceled) || len(*pauses) != 0 {
		t.Errorf("error %v, pauses %v", err, *pauses)
	}
}

func TestPausesGrow(t *testing.T) {
	for failed, most := range map[int]time.Duration{0: retry, 1: 2 * retry, 3: 8 * retry, 9: maxPause, 1000: maxPause} {
		f := &follower{retry: retry, failed: failed}
		var longest time.Duration
		for range 200 {
			longest = max(longest, f.pauseAfter(errors.New("cut")))
		}
		if longest > most || longest < most/2 {
			t.Errorf("after %d failures the longest of 200 pauses was %v, at most %v", failed, longest, most)
		}
	}
}
