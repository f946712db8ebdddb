package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

const ubuntu events.RoomID = "ubuntu"

func importArgs(t *testing.T, data string) []string {
	t.Helper()
	return append([]string{"import", "irc", "--room", string(ubuntu), "--owner", "alice", "--annotations", "--data", data}, excerpts(t)...)
}

// export gives the room's events as the tables have them, by line.
func export(t *testing.T, data string, more ...string) []string {
	t.Helper()
	out := proc.Output(t, bin(t), append([]string{"export", "--room", string(ubuntu), "--data", data}, more...)...)
	return strings.Split(out, "\n")
}

func decode(t *testing.T, line string) client.Event {
	t.Helper()
	var e client.Event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return e
}

// Import without a running process, then everything that can be read of it with
// one: export, replay and pages agree, in order, with dense seqs.
func TestImportComesBackEverywhere(t *testing.T) {
	data := t.TempDir()
	report := proc.Output(t, bin(t), importArgs(t, data)...)
	for _, want := range []string{"already there: 0 events", "folded: "} {
		if !strings.Contains(report, want) {
			t.Fatalf("report:\n%s", report)
		}
	}
	exported := export(t, data)
	dropTables(t, data)
	if again := export(t, data); strings.Join(again, "\n") != strings.Join(exported, "\n") {
		t.Fatal("an export without tables folds them again and is equal")
	}
	middle := decode(t, exported[len(exported)/2]).Time
	want := slices.DeleteFunc(slices.Clone(exported), func(line string) bool { return decode(t, line).Time.After(middle) })
	if got := export(t, data, "--until", middle.Format(time.RFC3339)); !slices.Equal(got, want) || len(got) == len(exported) {
		t.Errorf("until %s: %d of %d events, want %d", middle, len(got), len(exported), len(want))
	}
	wantExit(t, 2, "neither a seq nor a time", "export", "--room", string(ubuntu), "--data", data, "--until", "yesterday")
	p, base := start(t, data)
	alice := as(t, base, data, "alice")

	i, messages := 0, map[events.EventID]client.Event{}
	err := alice.AllEvents(t.Context(), ubuntu, 0, func(got client.Event) error {
		if i >= len(exported) {
			t.Fatalf("replay has more than the %d exported events", len(exported))
		}
		want := decode(t, exported[i])
		if got.Seq != want.Seq || got.ID != want.ID || got.Type != want.Type || got.Sender != want.Sender ||
			!got.Time.Equal(want.Time) || string(got.Data) != string(want.Data) {
			t.Fatalf("replay has %+v, export %s", got, exported[i])
		}
		if got.Type == events.TypeMessagePosted {
			messages[got.ID] = got
		}
		i++
		return nil
	})
	if err != nil || i != len(exported) {
		t.Fatalf("replay has %d events, export %d, error %v", i, len(exported), err)
	}
	seen := 0
	err = alice.AllMessages(t.Context(), ubuntu, func(m client.Message) error {
		var said struct{ Text, Type string }
		want := messages[m.ID]
		if err := json.Unmarshal(want.Data, &said); err != nil {
			return err
		}
		if m.Seq != want.Seq || m.Text != said.Text || m.Type != said.Type || m.Sender != want.Sender || !m.SentAt.Equal(want.Time) {
			t.Fatalf("page has %+v, replay %+v", m, want)
		}
		seen++
		return nil
	})
	if err != nil || seen != len(messages) {
		t.Fatalf("pages have %d messages, replay %d, error %v", seen, len(messages), err)
	}
	if again := export(t, data, "--server", base, "--token-file", tokenFile(t, data)); strings.Join(again, "\n") != strings.Join(exported, "\n") {
		t.Fatal("the server's export differs from that of the tables")
	}
	p.MustStop(t)
	rebuilt(t, data, exported)
}

func tokenFile(t *testing.T, data string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(proc.Output(t, bin(t), "token", "alice", "--data", data)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func dropTables(t *testing.T, data string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "*.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("tables %v, error %v", files, err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
}

// rebuilt deletes the tables and starts again.
func rebuilt(t *testing.T, data string, before []string) {
	t.Helper()
	dropTables(t, data)
	p, _ := start(t, data)
	out := proc.Output(t, bin(t), importArgs(t, data)...) // appends nothing, waits until all is folded
	if !strings.Contains(out, "imported 0 events") {
		t.Errorf("report:\n%s", out)
	}
	if after := export(t, data); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Error("the rebuilt tables differ")
	}
	if out := proc.Output(t, bin(t), "projector", "verify", "--data", data); !strings.HasPrefix(out, "equal: ") {
		t.Errorf("verify: %s", out)
	}
	if out := proc.Output(t, bin(t), "projector", "status", "--data", data); !strings.Contains(out, "PARTITION") {
		t.Errorf("status: %s", out)
	}
	p.MustStop(t)
}

// An import that is killed at any moment, beside a running process, goes on when
// it is started again and ends in the same room as one that was not.
func TestKilledImportGoesOn(t *testing.T) {
	whole := t.TempDir()
	proc.Output(t, bin(t), importArgs(t, whole)...)
	want := export(t, whole)

	data := t.TempDir()
	_, _ = start(t, data)
	for i, after := range []time.Duration{50, 120, 200, 100} {
		p := proc.Start(t, bin(t), importArgs(t, data)...)
		ctx, cancel := context.WithTimeout(t.Context(), after*time.Millisecond)
		code, err := p.Wait(ctx)
		cancel()
		switch {
		case errors.Is(err, context.DeadlineExceeded) && i < 3:
			p.Kill9()
		case errors.Is(err, context.DeadlineExceeded):
			interrupt(t, p)
		case code != 0 || err != nil:
			t.Fatalf("exit code %d, error %v, stderr %s", code, err, p.Stderr())
		}
	}
	proc.Output(t, bin(t), importArgs(t, data)...)
	got := export(t, data)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("%d events, want the %d of the whole import", len(got), len(want))
	}
	if out := proc.Output(t, bin(t), importArgs(t, data)...); !strings.Contains(out, "imported 0 events") {
		t.Errorf("once more:\n%s", out)
	}
}

// interrupt is Ctrl-C: the program says so and fails, unless it was done already.
func interrupt(t *testing.T, p *proc.Process) {
	t.Helper()
	if err := p.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	code, err := p.Wait(ctx)
	if err != nil || code != 0 && (code != 1 || !strings.Contains(p.Stderr(), "interrupted")) && code != 128+2 {
		t.Fatalf("exit code %d, error %v, stderr %s", code, err, p.Stderr())
	}
}

func TestTailShowsTheLog(t *testing.T) {
	data := t.TempDir()
	proc.Output(t, bin(t), importArgs(t, data)...)
	all := strings.Split(proc.Output(t, bin(t), "tail", "--data", data, "--from", "beginning", "--no-follow"), "\n")
	if n := len(export(t, data)); len(all) != n || !strings.Contains(all[0], " main/ubuntu room.created alice public") {
		t.Fatalf("%d lines, %d events, first: %s", len(all), n, all[0])
	}
	follower := proc.Start(t, bin(t), "tail", "--data", data, "--room", "ubuntu", "--from", "beginning", "--json")
	deadline := time.Now().Add(30 * time.Second)
	for strings.Count(follower.Stdout(), "\n") < len(all) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d lines", strings.Count(follower.Stdout(), "\n"), len(all))
		}
		time.Sleep(20 * time.Millisecond)
	}
	follower.MustStop(t)
}
