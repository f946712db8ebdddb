package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// paper is a sink that remembers.
type paper struct {
	mu      sync.Mutex
	text    strings.Builder
	flushed int
	err     error
	wrote   func() // called after each event
}

func (p *paper) Write(b []byte) error {
	p.mu.Lock()
	p.text.Write(b)
	err, wrote := p.err, p.wrote
	p.mu.Unlock()
	if wrote != nil && strings.HasPrefix(string(b), "id: ") {
		wrote()
	}
	return err
}

func (p *paper) Flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushed = p.text.Len()
	return p.err
}

func (p *paper) End(b []byte) error {
	if err := p.Write(b); err != nil {
		return err
	}
	return p.Flush()
}

// seen gives what the client has got: ids, "end" with its code, and "beat".
func (p *paper) seen() (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for frame := range strings.SplitSeq(p.text.String()[:p.flushed], "\n\n") {
		lines := strings.Split(frame, "\n")
		switch {
		case strings.HasPrefix(frame, "id: "):
			out = append(out, strings.TrimPrefix(lines[0], "id: "))
		case strings.HasPrefix(frame, "event: end"):
			out = append(out, strings.TrimPrefix(lines[1], "data: "))
		case strings.HasPrefix(frame, ":"):
			out = append(out, "beat "+strings.Join(lines[1:], ","))
		}
	}
	return out
}

func (p *paper) is(t *testing.T, want ...string) {
	t.Helper()
	if got := fmt.Sprint(p.seen()); got != fmt.Sprint(want) {
		t.Fatalf("the client has %s, want %s", got, want)
	}
}

// history is a room's events as the read model has them.
type history struct {
	mu     sync.Mutex
	rows   []readmodel.EventRow
	member bool
	page   int
	reads  int
	err    error
}

func (h *history) add(rows ...readmodel.EventRow) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rows = append(h.rows, rows...)
}

func (h *history) read(_ context.Context, after events.Seq) (p Page, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reads++
	if h.err != nil {
		return p, h.err
	}
	p.Member, p.Cursor = h.member, events.Seq(len(h.rows))
	for i := range h.rows {
		if h.rows[i].Seq <= after {
			continue
		}
		if len(p.Frames) == h.page {
			p.More, p.Cursor = true, p.Frames[len(p.Frames)-1].Seq
			break
		}
		f, err := NewFrame(&h.rows[i])
		if err != nil {
			return p, err
		}
		p.Frames = append(p.Frames, f)
	}
	return p, nil
}

// scene is a stream under way, in a bubble of time.
type scene struct {
	*paper
	*history
	hub  *Hub
	stop chan struct{}
	end  context.CancelFunc
	done chan error
}

// opening is what a stream of a room is made of.
type opening struct {
	Session
	RoomTrack
	Cursor events.Seq
}

func open(t *testing.T, h *history, change func(*opening)) *scene {
	sc := &scene{paper: &paper{}, history: h, hub: NewHub(slog.New(slog.DiscardHandler), nil), stop: make(chan struct{}), done: make(chan error, 1)}
	if h.page == 0 {
		h.page = 100
	}
	s := &opening{
		Session: Session{Sink: sc.paper, Expires: time.Now().Add(time.Hour), Stop: sc.stop},
		RoomTrack: RoomTrack{
			User: "alice", Horizon: events.Seq(len(h.rows)), Sight: room.Spans{{From: 1, To: room.Endless}}, Read: h.read,
		},
	}
	if change != nil {
		change(s)
	}
	s.RoomTrack.Begin(s.Cursor)
	s.Track = &s.RoomTrack
	ctx, cancel := context.WithCancel(t.Context())
	sc.end = cancel
	sub := sc.hub.Subscribe(lobby, 0)
	go func() {
		defer sub.Close()
		_, err := s.Run(ctx, sub)
		sc.done <- err
	}()
	synctest.Wait()
	return sc
}

// ended waits until the session has ended by itself.
func (sc *scene) ended(t *testing.T) {
	t.Helper()
	if err := <-sc.done; err != nil {
		t.Errorf("the session ended with %v", err)
	}
}

// commit makes events visible and tells of them.
func (sc *scene) commit(rows ...readmodel.EventRow) {
	sc.add(rows...)
	sc.hub.Deliver(rows, nil)
	synctest.Wait()
}

func (sc *scene) close(t *testing.T) {
	t.Helper()
	sc.end()
	if err := <-sc.done; !errors.Is(err, context.Canceled) {
		t.Errorf("stream ended with %v", err)
	}
}

func messages(n int) *history {
	h := &history{member: true}
	for i := range n {
		h.rows = append(h.rows, posted(lobby, events.Seq(i+1)))
	}
	return h
}

func TestSessionReplaysThenFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := messages(5)
		h.page = 2
		sc := open(t, h, func(s *opening) { s.Cursor = 1 })
		sc.is(t, "2", "3", "4", "5")
		sc.commit(posted(lobby, 6))
		sc.hub.Deliver([]readmodel.EventRow{posted(lobby, 5), posted(lobby, 6)}, nil) // told again
		sc.commit(posted(lobby, 7))
		sc.is(t, "2", "3", "4", "5", "6", "7")
		if h.reads != 2 {
			t.Errorf("the read model was asked %d times, 2 pages are enough", h.reads)
		}
		sc.close(t)
	})
}

func TestSessionFillsGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := open(t, messages(1), nil)
		sc.add(posted(lobby, 2), posted(lobby, 3)) // the timeline loses these
		sc.commit(posted(lobby, 4))
		sc.is(t, "1", "2", "3", "4")
		sc.add(posted(lobby, 5)) // and this, with nothing behind it
		sc.hub.Resync(0)
		synctest.Wait()
		sc.is(t, "1", "2", "3", "4", "5")
		sc.commit(posted(lobby, 6))
		sc.is(t, "1", "2", "3", "4", "5", "6")
		sc.close(t)
	})
}

func TestSessionOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := open(t, messages(0), nil)
		var rows []readmodel.EventRow
		for i := range 3 * buffer {
			rows = append(rows, posted(lobby, events.Seq(i+1)))
		}
		sc.commit(rows...) // more than waits for a follower
		got := sc.seen()
		if len(got) != 3*buffer || got[len(got)-1] != fmt.Sprint(3*buffer) {
			t.Fatalf("%d events came, the last is %s", len(got), got[len(got)-1])
		}
		for i, id := range got {
			if id != fmt.Sprint(i+1) {
				t.Fatalf("event %d is %s", i+1, id)
			}
		}
		sc.close(t)
	})
}

func TestSessionEndsWithMembership(t *testing.T) {
	leave := func(seq events.Seq) readmodel.EventRow {
		return membership(lobby, seq, "alice", events.MembershipBan)
	}
	end := func(cursor int) string { return fmt.Sprintf(`{"code":"not_a_member","cursor":%d}`, cursor) }
	t.Run("live", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sc := open(t, messages(1), nil)
			sc.commit(membership(lobby, 2, "bob", events.MembershipLeave), leave(3), posted(lobby, 4))
			sc.is(t, "1", "2", "3", end(3))
			if err := <-sc.done; err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("with a cursor above all that there is", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sc := open(t, messages(1), func(s *opening) { s.Cursor = 2 })
			sc.commit(posted(lobby, 2))
			sc.is(t) // as the client asked
			sc.commit(leave(3), posted(lobby, 4))
			sc.is(t, "3", end(3))
			if err := <-sc.done; err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("with a cursor above the event that ends it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sc := open(t, messages(1), func(s *opening) { s.Cursor = 3 })
			sc.commit(leave(2), posted(lobby, 3), posted(lobby, 4))
			sc.is(t, "2", end(2))
			sc.ended(t)
		})
	})
	t.Run("in a gap", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sc := open(t, messages(1), nil)
			sc.member = false
			sc.add(leave(2), posted(lobby, 3))
			sc.hub.Resync(0)
			sc.ended(t)
			sc.is(t, "1", "2", end(2))
		})
	})
	t.Run("whatever the filter", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sc := open(t, messages(1), func(s *opening) {
				s.Wanted = func(typ events.Type) bool { return typ == events.TypeMessagePosted }
			})
			sc.commit(membership(lobby, 2, "bob", events.MembershipJoin), leave(3))
			sc.ended(t)
			sc.is(t, "1", "3", end(3))
		})
	})
	t.Run("not by one of old", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := messages(1)
			h.rows = append(h.rows, leave(2), membership(lobby, 3, "alice", events.MembershipJoin))
			sc := open(t, h, nil)
			sc.commit(posted(lobby, 4))
			sc.is(t, "1", "2", "3", "4")
			sc.close(t)
		})
	})
	t.Run("that was lost without an event to show", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := messages(1)
			h.member = false
			sc := open(t, h, nil)
			sc.ended(t)
			sc.is(t, "1", end(1))
		})
	})
}

func TestSessionEnds(t *testing.T) {
	t.Run("server stops", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sc := open(t, messages(2), nil)
			close(sc.stop)
			if err := <-sc.done; err != nil {
				t.Error(err)
			}
			sc.is(t, "1", "2", `{"code":"server_shutdown","cursor":2}`)
		})
	})
	t.Run("token expires", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sc := open(t, messages(1), func(s *opening) { s.Expires = time.Now().Add(10 * time.Second) })
			sc.ended(t)
			sc.is(t, "1", `{"code":"token_expired","cursor":1}`)
		})
	})
	t.Run("read model away", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := messages(1)
			sc := open(t, h, nil)
			h.mu.Lock()
			h.err = errors.New("away")
			h.mu.Unlock()
			began := time.Now()
			sc.hub.Resync(0)
			sc.ended(t)
			sc.is(t, "1", "beat ", "beat ", `{"code":"read_model_unavailable","cursor":1}`)
			if waited := time.Since(began); waited < readPatience || waited > readPatience+2*readRetry {
				t.Errorf("gave up after %s", waited)
			}
		})
	})
	t.Run("while events keep coming", func(t *testing.T) {
		for _, end := range []string{EndTokenExpired, EndShutdown} {
			synctest.Test(t, func(t *testing.T) {
				stop := make(chan struct{})
				sc := open(t, messages(0), func(s *opening) {
					s.Expires, s.Stop = time.Now().Add(time.Hour), stop
				})
				// Each event that is written brings the next one.
				sc.paper.mu.Lock()
				n := 0
				sc.paper.wrote = func() {
					if n++; n == buffer {
						if end == EndShutdown {
							close(stop)
						} else {
							time.Sleep(time.Hour)
						}
					}
					if n > 10*buffer {
						return // it did not end
					}
					row := posted(lobby, events.Seq(n+1))
					sc.add(row)
					sc.hub.Deliver([]readmodel.EventRow{row}, nil)
				}
				sc.paper.mu.Unlock()
				sc.commit(posted(lobby, 1))
				sc.ended(t)
				got := sc.seen()
				if last := got[len(got)-1]; !strings.Contains(last, end) || len(got) > 2*buffer+1 {
					t.Errorf("after %d events: %s", len(got)-1, last)
				}
			})
		}
	})
	t.Run("read model back in time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := messages(1)
			h.err = errors.New("away")
			sc := open(t, h, nil)
			time.Sleep(readPatience / 3) // of the bubble
			h.mu.Lock()
			h.err = nil
			h.mu.Unlock()
			time.Sleep(readRetry)
			synctest.Wait()
			sc.is(t, "1")
			sc.close(t)
		})
	})
	t.Run("client gone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sc := open(t, messages(1), nil)
			sc.paper.mu.Lock()
			sc.paper.err = errors.New("broken pipe")
			sc.paper.mu.Unlock()
			sc.commit(posted(lobby, 2))
			if err := <-sc.done; err == nil {
				t.Error("the stream went on without its client")
			}
		})
	})
}

func TestSessionBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := open(t, messages(1), func(s *opening) {
			s.Wanted = func(typ events.Type) bool { return typ == events.TypeMessagePosted }
		})
		time.Sleep(heartbeat + time.Second)
		synctest.Wait()
		sc.is(t, "1", "beat ")
		sc.commit(membership(lobby, 2, "bob", events.MembershipJoin))
		time.Sleep(heartbeat)
		synctest.Wait()
		sc.is(t, "1", "beat ", "beat id: 2")
		time.Sleep(heartbeat)
		synctest.Wait()
		sc.is(t, "1", "beat ", "beat id: 2", "beat ")
		sc.close(t)
	})
}
