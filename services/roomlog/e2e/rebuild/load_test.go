package rebuild

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
)

const (
	writers   = 64
	readPause = 50 * time.Millisecond
)

// load is people who write and read rooms of their own, each in a steady rhythm.
type load struct {
	cancel context.CancelFunc
	ended  sync.WaitGroup
	begun  time.Time
	people []*person

	mu            sync.Mutex
	failed        []error
	reads, writes int
	slowestRead   time.Duration
	slowestWrite  time.Duration
}

// person writes and reads one room, on all replicas.
type person struct {
	room     events.RoomID
	replicas []*client.Client
	// blind has the same replicas, and never says what it has seen.
	blind []*client.Client
	acked []events.EventID

	mu   sync.Mutex
	seen map[events.Seq]events.EventID
}

// startLoad begins to write so many messages a second, and to read.
func startLoad(t *testing.T, in *installation, rate int) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel, begun: time.Now()}
	for n := range writers {
		u := events.UserID(fmt.Sprintf("writer-%d", n))
		first := client.New(in.urls[0], in.token(t, u))
		t.Cleanup(first.Close)
		p := &person{room: events.RoomID(fmt.Sprintf("load-%d", n)), seen: map[events.Seq]events.EventID{}}
		for _, url := range in.urls {
			p.replicas = append(p.replicas, first.At(url))
			p.blind = append(p.blind, first.As(in.token(t, u)).At(url))
		}
		if _, err := first.PutRoom(ctx, p.room, client.NewRoom{Kind: events.RoomPublic}, client.Command{Wait: 20 * time.Second}); err != nil {
			cancel()
			t.Fatal(err)
		}
		l.people = append(l.people, p)
	}
	for _, p := range l.people {
		l.ended.Go(func() { l.write(ctx, p, time.Second*writers/time.Duration(rate)) })
		l.ended.Go(func() { l.read(ctx, p) })
	}
	return l
}

func (l *load) write(ctx context.Context, p *person, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		begun := time.Now()
		ack, err := p.replicas[n%len(p.replicas)].Post(context.WithoutCancel(ctx), p.room,
			client.NewMessage{Text: fmt.Sprintf("message %d", n)}, client.Command{Key: fmt.Sprint("key-", n)})
		if err == nil && !ack.Known() {
			err = errors.New("a message's outcome is not known")
		}
		p.acked = append(p.acked, ack.EventID)
		l.note(begun, err, &l.writes, &l.slowestWrite)
	}
}

// read reads what is newest: with the position of what was written and read
// before, then without any. Either way nothing goes back.
func (l *load) read(ctx context.Context, p *person) {
	tick := time.NewTicker(readPause)
	defer tick.Stop()
	last := events.Seq(0)
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		c := p.replicas[n/2%len(p.replicas)]
		if n%2 == 1 {
			c = p.blind[n/2%len(p.blind)]
			c.SetPosition("")
		}
		begun := time.Now()
		page, err := c.Messages(context.WithoutCancel(ctx), p.room, url.Values{"limit": {"20"}})
		if err == nil {
			last, err = p.look(page.Items, last)
		}
		l.note(begun, err, &l.reads, &l.slowestRead)
	}
}

// look compares a page with all that was seen before.
func (p *person) look(page []client.Message, last events.Seq) (events.Seq, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	newest := events.Seq(0)
	for _, m := range page {
		if before, ok := p.seen[m.Seq]; ok && before != m.ID {
			return last, fmt.Errorf("seq %d of %s was %s and is %s", m.Seq, p.room, before, m.ID)
		}
		p.seen[m.Seq] = m.ID
		newest = m.Seq
	}
	if newest < last {
		return last, fmt.Errorf("%s goes back from seq %d to %d", p.room, last, newest)
	}
	return newest, nil
}

func (l *load) note(begun time.Time, err error, count *int, slowest *time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*count++
	*slowest = max(*slowest, time.Since(begun))
	if err != nil && len(l.failed) < 10 {
		l.failed = append(l.failed, err)
	}
}

// goOn lets it be for a while.
func (l *load) goOn(d time.Duration) { <-time.After(d) }

func (l *load) stop() {
	l.cancel()
	l.ended.Wait()
}

// end stops it and fails the test where a read or a write has failed.
func (l *load) end(t *testing.T) {
	t.Helper()
	took := time.Since(l.begun)
	l.stop()
	for _, err := range l.failed {
		t.Error(err)
	}
	t.Logf("figure: rebuild: meanwhile %.0f messages/s written (the slowest in %s) and %d pages read (the slowest in %s), %d failed",
		float64(l.writes)/took.Seconds(), l.slowestWrite.Round(time.Millisecond), l.reads, l.slowestRead.Round(time.Millisecond), len(l.failed))
}

// checkAcknowledged reads all rooms from the beginning: what was acknowledged is
// there, once, and what was seen is where it was.
func (l *load) checkAcknowledged(t *testing.T) {
	t.Helper()
	for _, p := range l.people {
		at := map[events.EventID]events.Seq{}
		err := p.replicas[0].AllEvents(t.Context(), p.room, 0, func(e client.Event) error {
			if _, ok := at[e.ID]; ok {
				return fmt.Errorf("%s stands in %s twice", e.ID, p.room)
			}
			if id, ok := p.seen[e.Seq]; ok && id != e.ID {
				return fmt.Errorf("seq %d of %s was %s and is %s", e.Seq, p.room, id, e.ID)
			}
			at[e.ID] = e.Seq
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range p.acked {
			if _, ok := at[id]; !ok {
				t.Errorf("%s was acknowledged and is not in %s", id, p.room)
			}
		}
	}
}
