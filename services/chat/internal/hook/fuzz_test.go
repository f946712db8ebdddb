package hook

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/roomlog/roomlog/pkg/events"
)

// Whatever the operator's program answers: an error, or something to do: a reason
// that a problem can carry, an event that can be published.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		"", "null", "{}", `{"action":"allow"}`, `{"action":"refuse","reason":"no links"}`, `{"action":"refuse","reason":"` + strings.Repeat("é", maxReason) + `"}`,
		`{"action":"replace","text":"****"}`, `{"action":"replace","text":"\u0000"}`, `{"action":"replace","text":"\ud800"}`, `{"ACTION":"allow"}`,
	} {
		f.Add(200, []byte(body), []byte(`{"text":"hi","data":{"a":1}}`))
	}
	f.Add(204, []byte("x"), []byte(`{}`))
	f.Add(500, []byte("{}"), []byte(`"sealed"`))
	f.Fuzz(func(t *testing.T, status int, body, content []byte) {
		a, err := parseAnswer(status, body)
		if err != nil {
			return
		}
		if results[a.Action] == "" || status != 200 && status != 204 {
			t.Fatalf("%d %q: %+v", status, body, a)
		}
		if r := a.reason(); r == "" || len(r) > maxReason || !utf8.ValidString(r) {
			t.Fatalf("reason %q", r)
		}
		e := events.Event{
			ID: "e", Type: events.TypeMessagePosted, Tenant: "main", Room: "lobby", Time: time.Unix(1, 0), Content: content,
			Facts: events.MessagePosted{Command: events.Command{Sender: "alice", Digest: "d"}, Kind: "text"},
		}
		if _, err := events.Encode(&e); err != nil {
			return // no program of ours would ask about it
		}
		instead, err := reword(&e, a.Text)
		if err != nil {
			return
		}
		m, err := events.Encode(instead)
		if err != nil {
			t.Fatalf("%q instead of %q cannot be published: %v", a.Text, content, err)
		}
		var c events.MessageContent
		back, err := events.Decode(m)
		if err == nil {
			err = json.Unmarshal(back.Content, &c)
		}
		if facts, ok := back.Facts.(events.MessagePosted); err != nil || !ok || c.Text != a.Text || facts.TextBytes != len(a.Text) || back.ID != e.ID || facts.Digest != "d" {
			t.Fatalf("%v: %+v", err, back)
		}
	})
}
