package tail_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/pkg/backend"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/services/roomlog/internal/tail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newLog(t *testing.T) (backend.Log, *eventlog.Publisher) {
	t.Helper()
	b, err := embedded.Start(t.Context(), embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	l := backend.Log{Config: eventlog.Config{Brokers: b.Brokers(), Username: b.Username(), Password: b.Password()}}
	if l.Layout, err = eventlog.EnsureTopic(t.Context(), l.Config, l.Config.EventsTopicSpec(3, 0, 0)); err != nil {
		t.Fatal(err)
	}
	p, err := eventlog.NewPublisher(l.Config, l.Layout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, p
}

func say(t *testing.T, p *eventlog.Publisher, room events.RoomID, text string) {
	t.Helper()
	content, err := json.Marshal(events.MessageContent{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	m, err := events.Encode(&events.Event{
		ID: events.IdempotentID("main", room, "alice", text), Type: events.TypeMessagePosted, Tenant: "main", Room: room,
		Time: time.UnixMilli(1), Content: content,
		Facts: events.MessagePosted{Command: events.Command{Sender: "alice"}, Kind: "text", TextBytes: len(text)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func lines(t *testing.T, tl tail.Tail) []string {
	t.Helper()
	var out bytes.Buffer
	if err := tl.Print(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestPrintsWhatIsThere(t *testing.T) {
	l, p := newLog(t)
	for i := range 10 {
		say(t, p, events.RoomID(fmt.Sprint("room", i%3)), fmt.Sprintf("text %d", i))
	}
	if _, err := p.Publish(t.Context(), events.Message{Key: []byte("x"), Value: []byte("garbage")}); err != nil {
		t.Fatal(err)
	}
	all := lines(t, tail.Tail{Log: l, Format: tail.Line})
	if len(all) != 11 {
		t.Fatalf("%d lines:\n%s", len(all), strings.Join(all, "\n"))
	}
	bad := 0
	for _, line := range all {
		if strings.Contains(line, `- "not an event`) {
			bad++
		}
	}
	if bad != 1 {
		t.Errorf("%d bad records", bad)
	}
	one := lines(t, tail.Tail{Log: l, Format: tail.Line, Tenant: "main", Room: "room1"})
	if len(one) != 3 || !strings.HasSuffix(one[0], ` main/room1 message.posted alice text "text 1"`) || !strings.HasSuffix(one[2], `"text 7"`) {
		t.Errorf("one room:\n%s", strings.Join(one, "\n"))
	}
	if end := lines(t, tail.Tail{Log: l, Format: tail.Line, Start: tail.Start{End: true}}); len(end) != 1 || end[0] != "" {
		t.Errorf("from the end: %q", end)
	}
}

// waiter tells when it has been written to n times.
type waiter struct {
	mu   sync.Mutex
	text strings.Builder
	n    int
	done func()
}

func (w *waiter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b)
	if w.n--; w.n == 0 {
		w.done()
	}
	return len(b), nil
}

func TestFollowsAllPartitions(t *testing.T) {
	l, p := newLog(t)
	for i := range 9 {
		say(t, p, events.RoomID(fmt.Sprint("room", i%3)), fmt.Sprint("old ", i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	w := &waiter{n: 18, done: cancel}
	ended := make(chan error, 1)
	go func() { ended <- tail.Tail{Log: l, Format: tail.JSON, Follow: true}.Print(ctx, w) }()
	for i := range 9 {
		say(t, p, events.RoomID(fmt.Sprint("room", i%3)), fmt.Sprint("new ", i))
	}
	if err := <-ended; err == nil {
		t.Fatal("following ends with its context's error")
	}
	if w.n > 0 {
		t.Fatalf("%d lines are missing:\n%s", w.n, w.text.String())
	}
	next := map[int]int{}
	for line := range strings.Lines(w.text.String()) {
		var e struct {
			Partition, Offset int
			Value             struct{ Content struct{ Text string } }
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Offset != next[e.Partition] || e.Value.Content.Text == "" {
			t.Errorf("%s: want offset %d", line, next[e.Partition])
		}
		next[e.Partition]++
	}
}

func TestLineCannotMoveTheCursor(t *testing.T) {
	l, p := newLog(t)
	say(t, p, "r", "\x1b[2J one\ntwo "+strings.Repeat("é", 200))
	line := lines(t, tail.Tail{Log: l, Format: tail.Line})
	if len(line) != 1 || strings.Contains(line[0], "\x1b") || strings.Count(line[0], "é") > 80 || !strings.HasSuffix(line[0], `…"`) {
		t.Fatalf("%q", line)
	}
}

func TestParseStart(t *testing.T) {
	for s, want := range map[string]tail.Start{"beginning": {}, "end": {End: true}, "17": {Offset: 17}} {
		if got, err := tail.ParseStart(s); err != nil || got != want {
			t.Errorf("%s: %+v, error %v", s, got, err)
		}
	}
	for _, s := range []string{"", "-1", "x", "1.5"} {
		if got, err := tail.ParseStart(s); err == nil {
			t.Errorf("%q: %+v", s, got)
		}
	}
}

// A line says something of every type.
func TestLineOfEveryType(t *testing.T) {
	seen := map[events.Type]bool{}
	for _, r := range roomtest.History(roomtest.Config{Records: 2000}, 3) {
		line := string(tail.Line(eventlog.Record{Time: r.LogTime, Message: r.Message}))
		if strings.Contains(line, "does not know") || strings.Count(line, "\n") != 1 {
			t.Errorf("%q", line)
		}
		e, err := events.Decode(r.Message)
		if err != nil {
			t.Fatal(err)
		}
		seen[e.Type] = true
	}
	for _, typ := range events.Types() {
		if !seen[typ] {
			t.Errorf("no %s", typ)
		}
	}
}
