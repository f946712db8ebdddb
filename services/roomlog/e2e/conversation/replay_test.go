package conversation_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
	"github.com/roomlog/roomlog/services/roomlog/internal/irc"
	"github.com/roomlog/roomlog/services/roomlog/internal/token"
)

const (
	program = "github.com/roomlog/roomlog/services/roomlog/cmd/roomlog"
	// watcher is a member of each room who never says nor reads anything.
	watcher = events.UserID("watcher")
	// lastWord is the last message of a room, by its owner, outside of threads.
	lastWord = "the day is over"
)

// site is a running server.
type site struct {
	url    string
	secret []byte
	base   *client.Client // whose connections all share
}

func start(t *testing.T) *site {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	p := proc.Start(t, proc.Build(t, program), "run", "--data", data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
	s := &site{url: p.MustReady(t)}
	var err error
	if s.secret, err = token.ReadSecret(filepath.Join(data, token.SecretFile)); err != nil {
		t.Fatal(err)
	}
	s.base = client.New(s.url, "")
	t.Cleanup(s.base.Close)
	return s
}

func (s *site) as(t *testing.T, u events.UserID) *client.Client {
	t.Helper()
	signed, err := token.Issue(s.secret, token.Claims{User: u, TTL: 12 * time.Hour}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return s.base.As(signed)
}

// day is a log that is replayed into a room of its own.
type day struct {
	room    events.RoomID
	log     irc.File
	replies irc.Replies
	want    reckoning
	people  map[events.UserID]*client.Client
	// followers are the watcher's: a pair for all that is followed.
	followers [2]*client.Client
	ids       map[int]events.EventID // of lines
	roots     map[int]int            // the line that began the thread of a line
}

// load reads a log, and makes the people who will say it again.
func (s *site) load(t *testing.T, path string) *day {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := &day{
		want: reckon(t, path), room: events.RoomID(strings.TrimSuffix(filepath.Base(path), ".raw.txt")),
		people: map[events.UserID]*client.Client{}, ids: map[int]events.EventID{}, roots: map[int]int{},
	}
	if d.log, err = irc.Parse(path, b); err != nil {
		t.Fatal(err)
	}
	links, _ := irc.AnnotationPath(path)
	if b, err = os.ReadFile(links); err != nil {
		t.Fatal(err)
	}
	if d.replies, err = irc.ParseAnnotations(b); err != nil {
		t.Fatal(err)
	}
	for _, u := range []events.UserID{"owner", watcher} {
		d.people[u] = s.as(t, u)
	}
	for _, l := range d.log.Lines {
		if d.people[l.User] == nil {
			d.people[l.User] = s.as(t, l.User)
		}
	}
	for i := range d.followers {
		d.followers[i] = s.as(t, watcher)
	}
	return d
}

// gather makes the room, which everybody joins before anything is said: so all of it
// is new to all.
func (d *day) gather(ctx context.Context) error {
	owner := d.people["owner"]
	if _, err := owner.PutRoom(ctx, d.room, client.NewRoom{Kind: events.RoomPublic}, client.Command{Wait: 30 * time.Second}); err != nil {
		return err
	}
	for u, c := range d.people {
		if _, err := c.PutMember(ctx, d.room, u, events.MembershipJoin, client.Command{Wait: 30 * time.Second}); err != nil {
			return fmt.Errorf("%s joins %s: %w", u, d.room, err)
		}
	}
	return nil
}

// replay says each line when it was said, so many times as fast: in the order of the
// file, whatever its clock does.
func (d *day) replay(ctx context.Context, speed int) error {
	begun := time.Now()
	var elapsed time.Duration // in the log
	for i, l := range d.log.Lines {
		if i > 0 {
			elapsed += max(0, l.Time.Sub(d.log.Lines[i-1].Time))
		}
		select {
		case <-time.After(time.Until(begun.Add(elapsed / time.Duration(speed)))):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := d.say(ctx, l); err != nil {
			return fmt.Errorf("%s, line %d: %w", d.room, l.Number, err)
		}
	}
	_, err := d.people["owner"].Post(ctx, d.room, client.NewMessage{Text: lastWord}, client.Command{Wait: 30 * time.Second})
	return err
}

func (d *day) say(ctx context.Context, l irc.Line) error {
	m := client.NewMessage{Text: l.Text, Type: string(l.Kind)}
	d.roots[l.Number] = l.Number
	if to, is := d.replies[l.Number]; is {
		if root, said := d.roots[to]; said {
			m.ReplyTo, m.ThreadRoot = d.ids[to], d.ids[root]
			d.roots[l.Number] = root
		}
	}
	if l.Kind != irc.Notice || !strings.HasPrefix(string(l.Raw), "===") {
		if u, err := irc.UserID(named(l.Text)); err == nil && d.people[u] != nil {
			m.Mentions = []events.UserID{u}
		}
	}
	ack, err := d.people[l.User].Post(ctx, d.room, m, client.Command{Key: fmt.Sprintf("line-%d", l.Number)})
	if err == nil && !ack.Known() {
		err = fmt.Errorf("not known whether the log has it: %+v", ack)
	}
	d.ids[l.Number] = ack.EventID
	return err
}

// named is the name with which a text begins, before a colon or a comma.
func named(text string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	if name := strings.TrimRight(word, ":,"); len(name) == len(word)-1 {
		return name
	}
	return ""
}
