package e2e_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to make a newer schema

	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

const room events.RoomID = "lobby"

var wait = client.Command{Wait: 10 * time.Second}

func TestRestartContinues(t *testing.T) {
	data := t.TempDir()
	for round := range 3 {
		p, base := start(t, data)
		alice := as(t, base, data, "alice")
		if _, err := alice.PutRoom(t.Context(), room, client.NewRoom{Kind: events.RoomPublic}, wait); err != nil {
			t.Fatal(err)
		}
		if _, err := alice.Post(t.Context(), room, client.NewMessage{Text: "hello"}, wait); err != nil {
			t.Fatal(err)
		}
		n := 0
		if err := alice.AllMessages(t.Context(), room, func(client.Message) error { n++; return nil }); err != nil || n != round+1 {
			t.Fatalf("round %d: %d messages, error %v", round, n, err)
		}
		if round == 1 {
			p.Kill9()
		} else {
			p.MustStop(t)
		}
	}
}

func TestStopsWithinFiveSeconds(t *testing.T) {
	for name, signal := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "Ctrl-C": os.Interrupt} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			p, base := start(t, data)
			alice := as(t, base, data, "alice")
			if _, err := alice.PutRoom(t.Context(), room, client.NewRoom{Kind: events.RoomPublic}, wait); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			opened, ended := make(chan struct{}), make(chan error, 1)
			go func() {
				first := true
				ended <- alice.Follow(ctx, room, 0, func(client.Event) error {
					if first {
						close(opened)
						first = false
					}
					return nil
				})
			}()
			<-opened
			writers := make(chan int, 4)
			for range cap(writers) {
				go func() {
					n := 0
					for ctx.Err() == nil {
						if _, err := alice.Post(ctx, room, client.NewMessage{Text: "hello"}, client.Command{}); err != nil {
							break
						}
						n++
					}
					writers <- n
				}()
			}
			began := time.Now()
			if err := p.Signal(signal); err != nil {
				t.Fatal(err)
			}
			code, err := p.Wait(ctx)
			if took := time.Since(began); code != 0 || err != nil || took > 5*time.Second {
				t.Fatalf("exit code %d after %s, error %v, stderr:\n%s", code, took, err, p.Stderr())
			}
			for range cap(writers) {
				<-writers
			}
			if err := <-ended; err == nil || ctx.Err() != nil {
				t.Errorf("the stream: %v", err)
			}
			if strings.Contains(p.Stderr(), "level=ERROR") {
				t.Errorf("a clean stop logs errors:\n%s", p.Stderr())
			}
		})
	}
}

// The first signal waits for a request that hangs; the second does not.
func TestSecondSignalKills(t *testing.T) {
	data := t.TempDir()
	p, base := start(t, data)
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	token := proc.Output(t, bin(t), "token", "alice", "--data", data)
	if _, err := fmt.Fprintf(conn, "POST /v1/rooms HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{", token); err != nil {
		t.Fatal(err)
	}
	admin := client.New(adminURL(t, p), "")
	t.Cleanup(admin.Close)
	as(t, base, data, "bob") // time passes: the request is being read
	if err := p.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	ready := client.Request{Method: "GET", Path: "/readyz"}
	deadline := time.Now().Add(5 * time.Second)
	for stopping := false; !stopping; {
		a, _ := admin.Do(t.Context(), ready)
		stopping = strings.Contains(string(a.Body), "stopping")
		if time.Now().After(deadline) {
			t.Fatalf("the first signal does not show: %s", a.Body)
		}
	}
	began := time.Now()
	if err := p.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if code, err := p.Wait(ctx); err != nil || code != 128+2 || time.Since(began) > 5*time.Second {
		t.Fatalf("exit code %d after %s, error %v", code, time.Since(began), err)
	}
}

// adminURL waits for the line on stderr: the two pipes are read independently.
func adminURL(t *testing.T, p *proc.Process) string {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		_, rest, ok := strings.Cut(p.Stderr(), "admin ")
		url, _, ok2 := strings.Cut(rest, "\n")
		if ok && ok2 {
			return url
		}
		if time.Now().After(deadline) {
			t.Fatalf("stderr:\n%s", p.Stderr())
		}
	}
}

func TestFailsWithOneLine(t *testing.T) {
	data := t.TempDir()
	p, base := start(t, data)
	free := []string{"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}
	run := func(args ...string) []string { return append(append([]string{"run"}, free...), args...) }

	mustFail(t, "in use", run("--data", data)...)
	taken := strings.TrimPrefix(base, "http://")
	mustFail(t, "address already in use", run("--data", t.TempDir(), "--listen", taken)...)
	mustFail(t, "address already in use", run("--data", t.TempDir(), "--admin", taken)...)
	p.MustStop(t)

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mustFail(t, "not a directory", run("--data", filepath.Join(file, "data"))...)
	if os.Getuid() != 0 { // root may write anywhere
		locked := t.TempDir()
		if err := os.Chmod(locked, 0o500); err != nil {
			t.Fatal(err)
		}
		mustFail(t, "permission denied", run("--data", filepath.Join(locked, "data"))...)
	}
	mustFail(t, "partitions", run("--data", data, "--partitions", "7")...)
	mustFail(t, "no data", "tail", "--data", filepath.Join(t.TempDir(), "none"))
	mustFail(t, "no such room", "export", "--data", data, "--room", "nowhere")
	mustFail(t, "secret", "token", "alice", "--data", t.TempDir())
}

// With brokers elsewhere, here those of another process, the log and the timeline
// are there; the tables stay in the data directory.
func TestBrokersElsewhere(t *testing.T) {
	first := t.TempDir()
	p, base := start(t, first)
	alice := as(t, base, first, "alice")
	if _, err := alice.PutRoom(t.Context(), room, client.NewRoom{Kind: events.RoomPublic}, wait); err != nil {
		t.Fatal(err)
	}
	info, err := embedded.ReadInfo(first)
	if err != nil {
		t.Fatal(err)
	}
	second := t.TempDir()
	password := filepath.Join(second, "password")
	if err := os.WriteFile(password, []byte(info.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	brokers := []string{"--brokers", info.Address, "--broker-user", info.Username, "--broker-password-file", password}
	q, base2 := start(t, second, append(brokers, "--group", "second")...)
	bob := as(t, base2, second, "bob")
	if _, err := bob.PutMember(t.Context(), room, "bob", events.MembershipJoin, wait); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	joined := make(chan struct{})
	said := make(chan error, 1)
	go func() {
		<-joined
		_, err := alice.Post(ctx, room, client.NewMessage{Text: "hello"}, client.Command{})
		said <- err
	}()
	// A message from the first process arrives live at the second.
	err = bob.Follow(ctx, room, 0, func(e client.Event) error {
		switch {
		case e.Type == events.TypeMessagePosted:
			return client.ErrStop
		case e.Sender == "bob":
			close(joined)
		}
		return nil
	})
	if err := errors.Join(err, <-said); err != nil {
		t.Fatal(err)
	}
	q.MustStop(t)
	args := append([]string{"export", "--room", string(room), "--database", second}, brokers...)
	if out := proc.Output(t, bin(t), args...); strings.Count(out, "\n") != 2 {
		t.Errorf("export:\n%s", out)
	}
	wantExit(t, 2, "--database", append([]string{"export", "--room", string(room)}, brokers...)...)
	p.MustStop(t)
}

func TestNewerSchemaIsRefused(t *testing.T) {
	for _, file := range []string{"control.db", "readmodel-v1.db"} {
		t.Run(file, func(t *testing.T) {
			data := t.TempDir()
			p, _ := start(t, data)
			p.MustStop(t)
			db, err := sql.Open("sqlite", filepath.Join(data, file))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.ExecContext(t.Context(), `INSERT INTO schema_migrations (version_id, is_applied) VALUES (9999, 1)`); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			mustFail(t, "newer schema", "run", "--data", data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
		})
	}
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{
		{"nosuch"},
		{"run", "--nosuch"},
		{"token"},
		{"import", "irc"},
		{"import", "irc", "x.raw.txt"},
		{"tail", "--from", "x"},
		{"export"},
		{"token", "a b", "--secret-file", "SECRET"},
		{"import", "irc", "/nosuch/2004-12-25.raw.txt", "--room", "r"},
		{"import", "irc", "/dev/null", "--room", "r"},
		{"import", "irc", "2004-12-25.raw.txt", "--room", "d:x"},
		{"export", "--room", "r", "--server", "http://127.0.0.1:1"},
	} {
		for i, a := range args {
			if a == "SECRET" {
				args[i] = filepath.Join(t.TempDir(), "secret")
				if err := os.WriteFile(args[i], []byte(strings.Repeat("s", 32)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		wantExit(t, 2, "", args...)
	}
}

// Every flag shows its environment variable; the environment counts.
func TestHelpTeaches(t *testing.T) {
	for _, command := range []string{"run", "token", "import irc", "export", "tail", "projector status", "projector verify"} {
		out := proc.Output(t, bin(t), append(strings.Fields(command), "--help")...)
		flags := strings.Count(out, "\n      --")
		if envs := strings.Count(out, "($ROOMLOG_"); flags == 0 || envs != flags || !strings.Contains(out, "Example:") {
			t.Errorf("%s: %d flags, %d environment variables:\n%s", command, flags, envs, out)
		}
	}
	data := t.TempDir()
	r := proc.Run(t, proc.Spec{Bin: bin(t), Args: []string{"token", "alice"}, Env: []string{"ROOMLOG_DATA=" + data}})
	if r.Code != 1 || !strings.Contains(r.Stderr, data) {
		t.Errorf("ROOMLOG_DATA does not count: %s", r.Stderr)
	}
}

func TestAdminListener(t *testing.T) {
	p, _ := start(t, t.TempDir())
	c := client.New(adminURL(t, p), "")
	t.Cleanup(c.Close)
	// The API serves before the projector has read what operators decided.
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if a, err := c.Do(t.Context(), client.Request{Method: "GET", Path: "/readyz"}); err == nil && a.Status == 200 {
			break
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/debug/pprof/cmdline"} {
		a, err := c.Do(t.Context(), client.Request{Method: "GET", Path: path})
		if err != nil || a.Status != 200 {
			t.Errorf("%s: status %d, error %v, %s", path, a.Status, err, a.Body)
		}
	}
}
