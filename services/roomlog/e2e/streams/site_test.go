package streams_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/machine"
	"github.com/roomlog/roomlog/services/roomlog/internal/token"
)

const (
	program = "github.com/roomlog/roomlog/services/roomlog/cmd/roomlog"
	owner   = events.UserID("owner")
	// patience bounds what must happen at some time.
	patience = 2 * time.Minute
	// hands is how many requests are under way while something is set up.
	hands = 32
	// spareFiles is what a process opens besides its streams.
	spareFiles = 500
)

func TestMain(m *testing.M) { proc.VerifyTestMain(m) }

// site is a server, and someone who owns its rooms.
type site struct {
	url, admin string
	secret     []byte
	owner      *client.Client
}

// start starts a server that can hold so many streams. Clients may take as long as
// they like, so that one who does not read stays; and one person sends as fast as the
// server takes it.
func start(t testing.TB, streams int) *site {
	t.Helper()
	if err := machine.OpenFiles(streams + spareFiles); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	args := append([]string{
		"run", "--data", data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
		"--stream-timeout", "1h", "--log-level", "warn",
	}, bench.Unlimited...)
	p := proc.Start(t, proc.Build(t, program), args...)
	s := &site{url: p.MustReady(t)}
	until(t, "the program says where its admin listener is", func() bool {
		_, rest, _ := strings.Cut(p.Stderr(), "admin ")
		at, _, whole := strings.Cut(rest, "\n")
		s.admin = at
		return whole
	})
	var err error
	if s.secret, err = token.ReadSecret(filepath.Join(data, token.SecretFile)); err != nil {
		t.Fatal(err)
	}
	s.owner = client.New(s.url, s.token(t, owner))
	t.Cleanup(s.owner.Close)
	return s
}

func (s *site) token(t testing.TB, u events.UserID) string {
	t.Helper()
	signed, err := token.Issue(s.secret, token.Claims{User: u, TTL: 12 * time.Hour}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// room makes a room with so many members beside its owner.
func (s *site) room(t testing.TB, room events.RoomID, members int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := s.owner.PutRoom(ctx, room, client.NewRoom{Kind: events.RoomPublic}, client.Command{Wait: 10 * time.Second}); err != nil {
		t.Fatal(err)
	}
	g, joining := errgroup.WithContext(ctx)
	g.SetLimit(hands)
	for i := range members {
		user := member(room, i)
		g.Go(func() error {
			_, err := s.owner.As(s.token(t, user)).PutMember(joining, room, user, events.MembershipJoin, client.Command{})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for {
		r, err := s.owner.Room(ctx, room)
		if err != nil {
			t.Fatal(err)
		}
		if r["members"] == float64(members+1) {
			return
		}
		// Reads as of one's own last write: the command comes behind all joins.
		if _, err := s.owner.Post(ctx, room, client.NewMessage{Text: "are all there?"}, client.Command{}); err != nil {
			t.Fatal(err)
		}
	}
}

func member(room events.RoomID, i int) events.UserID {
	return events.UserID(string(room) + "-" + strconv.Itoa(i))
}

// say posts a message and does not wait for what becomes of it.
func (s *site) say(t testing.TB, room events.RoomID, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := s.owner.Post(ctx, room, client.NewMessage{Text: text}, client.Command{}); err != nil {
		t.Fatal(err)
	}
}

// flood posts so many messages of a size at once.
func (s *site) flood(t testing.TB, room events.RoomID, n, size int) {
	t.Helper()
	text := strings.Repeat("x", size)
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(hands)
	for range n {
		g.Go(func() error {
			_, err := s.owner.Post(ctx, room, client.NewMessage{Text: text}, client.Command{})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// seq is the room's newest.
func (s *site) seq(t testing.TB, room events.RoomID) int {
	t.Helper()
	r, err := s.owner.Room(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	return int(r["seq"].(float64))
}

// memory is what the server uses, in bytes.
type memory struct{ heap, stack, resident float64 }

func (m memory) used() float64 { return m.heap + m.stack }

// memory collects garbage, as often as it takes for stacks to shrink, and reads
// what is left. Before is with the garbage.
func (s *site) memory(t testing.TB) (before, after memory) {
	t.Helper()
	before = s.metrics(t)
	for range 5 {
		s.get(t, "/debug/pprof/heap?gc=1")
	}
	return before, s.metrics(t)
}

func (s *site) metrics(t testing.TB) (m memory) {
	t.Helper()
	lines := bufio.NewScanner(bytes.NewReader(s.get(t, "/metrics")))
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		value, _ := strconv.ParseFloat(text, 64)
		switch name {
		case "go_memstats_heap_inuse_bytes":
			m.heap = value
		case "go_memstats_stack_inuse_bytes":
			m.stack = value
		case "process_resident_memory_bytes":
			m.resident = value
		}
	}
	if m.heap == 0 || m.stack == 0 {
		t.Fatal("the server does not say what memory it uses")
	}
	return m
}

// profile writes a profile of the server's heap and goroutines, where one is wanted.
func (s *site) profile(t testing.TB, name string) {
	t.Helper()
	dir := os.Getenv("STREAMS_PROFILE")
	if dir == "" {
		return
	}
	for _, kind := range []string{"heap", "goroutine"} {
		if err := os.WriteFile(filepath.Join(dir, name+"."+kind), s.get(t, "/debug/pprof/"+kind), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// get asks the admin listener.
func (s *site) get(t testing.TB, path string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.admin+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", path, res.Status, err)
	}
	return b
}

// awaitNoStreams waits until the server has noticed that all are gone.
func (s *site) awaitNoStreams(t testing.TB) {
	t.Helper()
	until(t, "no stream is open", func() bool {
		return bytes.Contains(s.get(t, "/metrics"), []byte("\nroomlog_streams 0\n"))
	})
}

// until polls, with a deadline, for what must become true.
func until(t testing.TB, what string, true func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !true() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}
