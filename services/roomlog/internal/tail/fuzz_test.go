package tail

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

func FuzzParseStart(f *testing.F) {
	for _, s := range []string{"", "beginning", "end", "0", "17", "-1", "+1", "9223372036854775807", "9223372036854775808", "1e3", " 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		start, err := ParseStart(s)
		switch {
		case err != nil && start != Start{}:
			t.Errorf("%q: %v, and %+v", s, err, start)
		case err == nil && start.Offset < 0:
			t.Errorf("%q: %+v", s, start)
		case err == nil && s != "beginning" && s != "end":
			if n, err := strconv.ParseInt(s, 10, 64); err != nil || events.Offset(n) != start.Offset {
				t.Errorf("%q: %+v", s, start)
			}
		}
	})
}

// Whatever a record holds: one line, which moves no cursor and colours no terminal,
// and one line of JSON.
func FuzzFormat(f *testing.F) {
	m, err := events.Encode(&events.Event{
		ID: "e", Type: events.TypeMessagePosted, Tenant: "main", Room: "lobby", Time: time.Unix(1, 0), Content: []byte(`{"text":"\u001b[31mred\nline"}`),
		Facts: events.MessagePosted{Command: events.Command{Sender: "alice"}, Kind: "text"},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Key, m.Value, "message.posted", "e", int64(1))
	f.Add([]byte("main/lobby"), []byte(`{"facts":{"sender":"\u001b[31m","kind":"\n"},"content":{}}`), "message.posted", "e", int64(1))
	f.Add([]byte("main/lobby"), []byte(`{"facts":{"target":"\u009b1m"},"content":{}}`), "message.pinned", "e", int64(0))
	f.Add([]byte("main/lobby"), []byte("{}"), "later.\x1b[31m", "e", int64(-1))
	f.Add([]byte("main/lobby"), []byte("{\"\xb6\":{}}"), "later", "e", int64(1))
	f.Add([]byte("\x1b[31m/\n"), []byte("\x00\xff"), "", "\n", int64(1<<62))
	f.Fuzz(func(t *testing.T, key, value []byte, typ, id string, millis int64) {
		r := eventlog.Record{Partition: 1, Offset: 2, Time: time.UnixMilli(millis % 253402300799999)}
		r.Key, r.Value = key, value
		for _, h := range [][2]string{
			{events.HeaderSpecVersion, "1.0"}, {events.HeaderID, id}, {events.HeaderType, typ}, {events.HeaderSource, "main"}, {events.HeaderSubject, "lobby"},
		} {
			r.Headers = append(r.Headers, events.Header{Key: h[0], Value: []byte(h[1])})
		}
		for _, line := range [][]byte{Line(r), JSON(r)} {
			if !utf8.Valid(line) || bytes.Count(line, []byte("\n")) != 1 || !bytes.HasSuffix(line, []byte("\n")) {
				t.Errorf("no line: %q", line)
			}
		}
		if line := string(bytes.TrimSuffix(Line(r), []byte("\n"))); strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("moves the cursor: %q", line)
		}
		if !json.Valid(JSON(r)) {
			t.Errorf("no JSON: %q", JSON(r))
		}
	})
}
