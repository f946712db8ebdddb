package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// operator runs commands of the operator's on a data directory, and knows which
// of those in docs/operations.md were run.
type operator struct {
	data string
	ran  map[string]bool
}

var value = regexp.MustCompile(`(--[a-z-]+)[ =]("[^"]*"|[^-\s]\S*)`)

// form is a command without the values of its flags.
func form(command string) string { return value.ReplaceAllString(command, "$1") }

// run runs a command as it stands in the document, with the data directory and
// what else differs in the place of the words there.
func (o *operator) run(t *testing.T, code int, command string, replace ...string) proc.Result {
	t.Helper()
	o.ran[form(command)] = true
	var args []string
	for _, a := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(strings.NewReplacer(replace...).Replace(command), -1)[1:] {
		args = append(args, strings.Trim(a, `"`))
	}
	for i, a := range args {
		if a == "--data" {
			args[i+1] = o.data
		}
	}
	r := proc.Run(t, proc.Spec{Bin: bin(t), Args: args})
	if r.Code != code {
		t.Fatalf("%s: exit code %d, want %d\n%s%s", command, r.Code, code, r.Stdout, r.Stderr)
	}
	return r
}

// watch runs a command that goes on until it is interrupted, and gives what it
// has printed when it has printed something often.
func (o *operator) watch(t *testing.T, command, often string) string {
	t.Helper()
	o.ran[form(command)] = true
	args := strings.Fields(command)[1:]
	args[slices.Index(args, "--data")+1] = o.data
	p := proc.Start(t, bin(t), args...)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); strings.Count(p.Stdout(), often) < 2; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s does not go on: %s%s", command, p.Stdout(), p.Stderr())
		}
	}
	p.MustStop(t)
	return p.Stdout()
}

// produce appends an event of a version that no program knows yet.
func produce(t *testing.T, data string, room events.RoomID, id events.EventID) {
	t.Helper()
	info, err := embedded.ReadInfo(data)
	if err != nil {
		t.Fatal(err)
	}
	cfg := eventlog.Config{Brokers: []string{info.Address}, Username: info.Username, Password: info.Password}
	layout, err := eventlog.EnsureTopic(t.Context(), cfg, cfg.EventsTopicSpec(0, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	p, err := eventlog.NewPublisher(cfg, layout)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	m, err := events.Encode(&events.Event{
		ID: id, Type: events.TypeMessagePosted, Tenant: events.DefaultTenant, Room: room, Time: time.Now(),
		Facts: events.MessagePosted{Command: events.Command{Sender: "alice"}, Kind: "text", TextBytes: 2}, Content: json.RawMessage(`{"text":"hi"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range m.Headers {
		if h.Key == events.HeaderType {
			m.Headers[i].Value = []byte("message.posted.v9")
		}
	}
	if _, err := p.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// TestOperations does what docs/operations.md says, on a room that is blocked
// and then on a log that was lost.
func TestOperations(t *testing.T) {
	o := &operator{data: t.TempDir(), ran: map[string]bool{}}
	p, base := start(t, o.data)
	alice := as(t, base, o.data, "alice")
	for _, r := range []events.RoomID{"lobby", "den"} {
		if _, err := alice.PutRoom(t.Context(), r, client.NewRoom{Kind: events.RoomPublic}, wait); err != nil {
			t.Fatal(err)
		}
		produce(t, o.data, r, "poison-"+events.EventID(r))
		if _, err := alice.Post(t.Context(), r, client.NewMessage{Text: "behind it"}, client.Command{}); err != nil {
			t.Fatal(err)
		}
	}
	var list string
	for deadline := time.Now().Add(20 * time.Second); strings.Count(list, "unknown_type") != 2; {
		list = o.run(t, 0, "roomlog projector dead list --data data").Stdout
		if time.Now().After(deadline) {
			t.Fatalf("the rooms are not blocked: %s", list)
		}
	}
	if r := o.run(t, 0, "roomlog projector status --data data"); !strings.Contains(r.Stdout, "dead release --tenant main --room lobby") {
		t.Errorf("status does not say what to do:\n%s", r.Stdout)
	}
	show := o.run(t, 0, "roomlog projector dead show --data data --room lobby").Stdout
	if !strings.Contains(show, "poison-lobby") || !strings.Contains(show, "(waits)") {
		t.Errorf("show:\n%s", show)
	}
	show = o.run(t, 0, "roomlog projector dead show --data data --room lobby --json").Stdout
	var first struct {
		Event events.EventID
		Type  events.Type
		Code  string
		Value struct{ Facts struct{ Sender string } }
	}
	if err := json.Unmarshal([]byte(strings.SplitN(show, "\n", 2)[0]), &first); err != nil || first.Type != "message.posted.v9" || first.Value.Facts.Sender != "alice" {
		t.Errorf("show --json: %v\n%s", err, show)
	}

	// The projector that runs does not know the type either.
	o.run(t, 1, "roomlog projector dead release --data data --room lobby")
	o.run(t, 1, "roomlog projector retry --data data")
	r := o.run(t, 0, `roomlog projector dead discard --data data --room lobby --event EVENT --reason "made by a broken script"`, "EVENT", "poison-lobby")
	if !strings.Contains(r.Stdout, "event poison-lobby is discarded") || !strings.Contains(r.Stdout, "room lobby of tenant main is free") {
		t.Errorf("discard says:\n%s", r.Stdout)
	}
	texts := func(r events.RoomID) (n int) {
		if err := alice.AllMessages(t.Context(), r, func(client.Message) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := texts("lobby"); n != 1 {
		t.Errorf("%d messages in the room after the discard, want the one behind it", n)
	}
	wantExit(t, 1, "no such event is parked", "projector", "dead", "discard", "--data", o.data, "--room", "lobby", "--event", "poison-lobby", "--reason", "again")
	wantExit(t, 1, "has no parked events", "projector", "dead", "release", "--data", o.data, "--room", "lobby")
	wantExit(t, 1, "has no gap", "projector", "accept-gap", "--data", o.data, "--partition", "0", "--reason", "none")
	wantExit(t, 2, "--partition is 99", "projector", "accept-gap", "--data", o.data, "--partition", "99", "--reason", "none")
	o.run(t, 0, "roomlog projector verify --data data")
	o.run(t, 0, "roomlog projector verify --data data --json")
	if out := o.watch(t, "roomlog projector status --data data --watch", "PARTITION"); !strings.Contains(out, "VERSION") || !strings.Contains(out, "live") {
		t.Errorf("status --watch says:\n%s", out)
	}
	o.run(t, 0, "roomlog projector status --data data --every 10s", "10s", "100ms")
	o.run(t, 0, "roomlog tail --data data --from OFFSET --no-follow", "OFFSET", "1")

	// A rebuild knows what was discarded, else it is refused.
	o.run(t, 0, "roomlog projector rebuild --data data")
	if n := texts("lobby"); n != 1 {
		t.Errorf("%d messages in the room after the rebuild, want one", n)
	}
	o.run(t, 0, "roomlog projector verify --data data")
	o.run(t, 0, "roomlog projector rebuild --data data --rollback")
	o.run(t, 0, "roomlog projector rebuild --data data --drop-old")
	p.MustStop(t)

	// Without a process on the directory the command carries it out itself.
	o.run(t, 0, `roomlog projector dead discard --data data --room den --event EVENT --reason "made by a broken script"`, "EVENT", "poison-den")
	o.run(t, 0, "roomlog projector retry --data data")
	o.run(t, 0, "roomlog projector verify --data data")

	// The log is lost, the tables are not.
	if err := os.RemoveAll(filepath.Join(o.data, "log")); err != nil {
		t.Fatal(err)
	}
	p, _ = start(t, o.data)
	defer p.MustStop(t)
	var status struct {
		Partitions []struct {
			Partition int
			Gap       string
			Advice    string
		}
	}
	if err := json.Unmarshal([]byte(o.run(t, 0, "roomlog projector status --data data --json").Stdout), &status); err != nil {
		t.Fatal(err)
	}
	for _, s := range status.Partitions {
		if s.Gap == "" {
			t.Errorf("partition %d has no gap", s.Partition)
			continue
		}
		n := string(rune('0' + s.Partition))
		r := o.run(t, 1, `roomlog projector accept-gap --data data --partition 2 --reason "the disk is gone"`, "--partition 2", "--partition "+n)
		if !strings.Contains(r.Stderr, "would be folded from offset 0") || !strings.Contains(r.Stderr, "--yes") {
			t.Errorf("accept-gap without --yes says:\n%s", r.Stderr)
		}
		o.run(t, 0, `roomlog projector accept-gap --data data --partition 2 --reason "the disk is gone" --yes`, "--partition 2", "--partition "+n)
	}
	if r := o.run(t, 0, "roomlog projector status --data data"); strings.Contains(r.Stdout, "cannot be folded on") {
		t.Errorf("status after all:\n%s", r.Stdout)
	}
	o.documented(t)
}

// documented fails for each command of docs/operations.md that was not run.
func (o *operator) documented(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		command := strings.TrimSpace(line)
		if !strings.HasPrefix(command, "roomlog ") {
			continue
		}
		found++
		if !o.ran[form(command)] {
			t.Errorf("docs/operations.md has a command that no test runs: %s", command)
		}
	}
	if found < 8 {
		t.Errorf("docs/operations.md has only %d commands", found)
	}
}
