package conversation_test

import (
	"context"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/listener"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
	"github.com/roomlog/roomlog/services/roomlog/internal/irc"
)

func TestMain(m *testing.M) { proc.VerifyTestMain(m) }

func TestConversation(t *testing.T) {
	dir := os.Getenv("IRC_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "internal", "irc", "testdata")
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.raw.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d logs in %s, error %v", len(paths), dir, err)
	}
	s := start(t)
	speed := max(1, proc.Number(t, "CONVERSATION_SPEED", 2000))
	var g errgroup.Group
	for _, path := range paths {
		d := s.load(t, path)
		g.Go(func() error { return d.live(t, s.url, speed) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// live replays a day and has it followed, then looks at what has come of it.
func (d *day) live(t *testing.T, server string, speed int) error {
	if err := d.gather(t.Context()); err != nil {
		return err
	}
	begun := time.Now()
	following, stop := context.WithCancel(t.Context())
	defer stop()
	var listeners []*listener.Listener
	g, ctx := errgroup.WithContext(following)
	for i, cut := range []int{0, 10} {
		w := d.followers[i]
		if err := w.Get(ctx, "/v1/rooms", nil, new(client.Page[any])); err != nil {
			return err
		}
		cursor := w.Position() // of all rooms
		listeners = append(listeners,
			&listener.Listener{Client: w, URLs: []string{server}, Path: listener.Room(d.room), Cursor: "0", Cut: cut, Until: lastWord},
			&listener.Listener{Client: w, URLs: []string{server}, Path: listener.Everything, Query: url.Values{"rooms": {string(d.room)}}, Cursor: cursor, Cut: cut, Until: lastWord})
	}
	for _, l := range listeners {
		g.Go(func() error { return l.Run(ctx) })
	}
	if err := d.replay(ctx, speed); err != nil {
		return err
	}
	if err := g.Wait(); err != nil {
		return err
	}
	took := time.Since(begun)
	if err := d.everybodyHasAll(t.Context(), t, listeners); err != nil {
		return err
	}
	if err := d.countsAreRight(t.Context(), t, d.want); err != nil {
		return err
	}
	r := d.want
	t.Logf("figure: conversation: %s: %d lines by %d people, %d of them in %d threads, replayed in %s; %d followers have all, cut %d times; all counts are right",
		d.room, r.spoken, len(r.said), r.spoken-r.outside, len(r.replies), took.Round(time.Millisecond), len(listeners), cuts(listeners))
	return nil
}

func cuts(all []*listener.Listener) (n int) {
	for _, l := range all {
		n += l.Cuts
	}
	return n
}

// everybodyHasAll compares what followers got with the room's events, and those with
// the lines, in the order of the file.
func (d *day) everybodyHasAll(ctx context.Context, t *testing.T, listeners []*listener.Listener) error {
	var whole []client.Event
	err := d.people["owner"].AllEvents(ctx, d.room, 0, func(e client.Event) error {
		whole = append(whole, e)
		return nil
	})
	if err != nil {
		return err
	}
	said := whole[len(whole)-len(d.log.Lines)-1:]
	for i, line := range d.log.Lines {
		if e := said[i]; e.ID != d.ids[line.Number] || listener.TextOf(e) != line.Text || e.Sender != line.User {
			t.Errorf("%s: event %d is %s of %s, line %d is of %s", d.room, e.Seq, e.ID, e.Sender, line.Number, line.User)
		}
	}
	for _, l := range listeners {
		want := whole
		if l.Path != listener.Room(d.room) {
			want = said
		}
		if !l.Has(d.room, want) {
			t.Errorf("%s, %s: cut %d times, has %d events of %d, or in another order", d.room, l.Path, l.Cuts, len(l.Got), len(want))
		}
	}
	return nil
}

// countsAreRight compares what the server counts with what the file comes to.
func (d *day) countsAreRight(ctx context.Context, t *testing.T, r reckoning) error {
	bySender, replies := map[string]int{}, map[int]int{}
	lines := make(map[events.EventID]int, len(d.ids))
	for number, id := range d.ids {
		lines[id] = number
	}
	err := d.people["owner"].AllMessages(ctx, d.room, func(m client.Message) error {
		if nick, ok := irc.Nick(m.Sender); ok {
			bySender[nick]++
		}
		if m.Replies > 0 {
			replies[lines[m.ID]] = m.Replies
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !maps.Equal(bySender, r.said) {
		t.Errorf("%s: messages by author %v, the file has %v", d.room, bySender, r.said)
	}
	if !maps.Equal(replies, r.replies) {
		t.Errorf("%s: replies by thread %v, the file has %v", d.room, replies, r.replies)
	}
	about, err := d.people["owner"].Room(ctx, d.room)
	if err != nil {
		return err
	}
	if about["members"] != float64(len(r.said)+2) {
		t.Errorf("%s: %v members, %d have spoken", d.room, about["members"], len(r.said))
	}
	for user, c := range d.people {
		nick, spoke := irc.Nick(user)
		if !spoke && user != watcher {
			continue
		}
		unread, mentions := r.unread[nick]+1, r.mentions[nick] // and the last word
		if user == watcher {
			unread = r.outside + 1
		}
		if err := d.standing(ctx, t, c, user, unread, mentions); err != nil {
			return err
		}
	}
	return nil
}

// standing looks at what a person's list of rooms says of the room.
func (d *day) standing(ctx context.Context, t *testing.T, c *client.Client, user events.UserID, unread, mentions int) error {
	type row struct {
		Room             events.RoomID
		Unread, Mentions int
	}
	q := url.Values{"limit": {"200"}}
	c.SetPosition(d.people["owner"].Position())
	var rooms client.Page[row]
	if err := c.Get(ctx, "/v1/rooms", q, &rooms); err != nil {
		return err
	}
	for _, r := range rooms.Items {
		if r.Room == d.room && (r.Unread != unread || r.Mentions != mentions) {
			t.Errorf("%s: %s has %d unread and %d mentions, by the file %d and %d", d.room, user, r.Unread, r.Mentions, unread, mentions)
		}
		if r.Room == d.room {
			return nil
		}
	}
	t.Errorf("%s is not among the rooms of %s", d.room, user)
	return nil
}
