package live

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var logID = events.LogID{1}

func follower(store readmodel.Store) *Follower {
	return NewFollower(FollowerConfig{
		Store: store, Log: logID, Topic: timeline.DefaultTopic,
		Revocations: &revocations{}, Hub: NewHub(slog.New(slog.DiscardHandler), nil), Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})
}

// revocations keeps what it is told.
type revocations struct{ told, loaded []readmodel.RevocationRow }

func (r *revocations) Revoke(rows ...readmodel.RevocationRow) { r.told = append(r.told, rows...) }
func (r *revocations) Load(rows []readmodel.RevocationRow)    { r.loaded = append(r.loaded, rows...) }

func commit(epoch int64, floor, next events.Offset, rows ...readmodel.EventRow) timeline.Commit {
	return timeline.Commit{Projection: 1, Epoch: epoch, Floor: floor, Next: next, Events: rows}
}

func give(t *testing.T, f *Follower, c timeline.Commit) {
	t.Helper()
	m, err := timeline.NewMessage(c)
	if err != nil {
		t.Fatal(err)
	}
	f.take(m)
}

// The chain of commits: given what came before, when a commit comes, then
// followers hear it, or are sent to the read model.
func TestChain(t *testing.T) {
	for _, tc := range []struct {
		name      string
		before    []timeline.Commit
		commit    timeline.Commit
		delivered int
		stale     bool
		folded    events.Offset
	}{
		{"the first word", nil, commit(1, 5, 6, posted(lobby, 1)), 0, true, 6},
		{"a link", []timeline.Commit{commit(1, 0, 5)}, commit(1, 5, 6, posted(lobby, 1)), 1, false, 6},
		{"again", []timeline.Commit{commit(1, 0, 6)}, commit(1, 5, 6, posted(lobby, 1)), 1, false, 6},
		{"what was taken for lost", []timeline.Commit{commit(1, 0, 5), commit(1, 6, 7)}, commit(1, 5, 6, posted(lobby, 1)), 0, false, 7},
		{"a hole", []timeline.Commit{commit(1, 0, 5)}, commit(1, 6, 7, posted(lobby, 1)), 0, true, 7},
		{"a beacon", []timeline.Commit{commit(1, 0, 5)}, commit(1, 5, 5), 0, false, 5},
		{"a beacon after a lost last commit", []timeline.Commit{commit(1, 0, 5)}, commit(1, 6, 6), 0, true, 6},
		{"what was parked", []timeline.Commit{commit(1, 0, 5)}, timeline.Commit{Projection: 1, Epoch: 1, Floor: 5, Next: 5, Decisions: 1, Events: []readmodel.EventRow{posted(lobby, 1)}}, 0, true, 5},
		{"a beacon after what was parked was lost", []timeline.Commit{commit(1, 0, 5)}, timeline.Commit{Projection: 1, Epoch: 1, Floor: 5, Next: 5, Decisions: 1}, 0, true, 5},
		{"an earlier owner", []timeline.Commit{commit(2, 0, 5)}, commit(1, 5, 9, posted(lobby, 1)), 0, false, 5},
		{"a new owner, where the last one was", []timeline.Commit{commit(1, 0, 5)}, commit(2, 5, 5), 0, false, 5},
		{"a new owner, further on", []timeline.Commit{commit(1, 0, 5)}, commit(2, 8, 8), 0, true, 8},
		{"a new owner tells again", []timeline.Commit{commit(1, 0, 5)}, commit(2, 3, 5, posted(lobby, 1)), 1, false, 5},
		{"another projection", []timeline.Commit{commit(1, 0, 5)}, timeline.Commit{Projection: 2, Epoch: 9, Floor: 5, Next: 9, Events: []readmodel.EventRow{posted(lobby, 1)}}, 0, false, 5},
		{"backwards", []timeline.Commit{commit(1, 0, 5)}, commit(1, 9, 3, posted(lobby, 1)), 0, false, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := follower(nil)
			f.goLive(1)
			for _, c := range tc.before {
				give(t, f, c)
			}
			sub := f.Hub.Subscribe(lobby, 0)
			defer sub.Close()
			give(t, f, tc.commit)
			if seqs, stale := took(sub); len(seqs) != tc.delivered || stale != tc.stale || f.Folded(0) != tc.folded {
				t.Errorf("%d delivered, stale %t, folded %d", len(seqs), stale, f.Folded(0))
			}
		})
	}
}

func TestTakeSurvivesGarbage(t *testing.T) {
	f := follower(nil)
	m, err := timeline.NewMessage(commit(1, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	m.Payload = []byte("{")
	f.take(m)
	if f.Folded(0) != 0 {
		t.Error("garbage moved the checkpoint")
	}
}

// tables is a read model that has checkpoints only.
type tables struct {
	readmodel.Store
	readmodel.Reader
	checkpoints chan []readmodel.Checkpoint // the last one stays
	version     int
}

func (s *tables) Projection() int { return max(s.version, 1) }

func (s *tables) Snapshot(_ context.Context, read func(readmodel.Reader) error, _ ...readmodel.Ahead) error {
	return read(s)
}

func (s *tables) Checkpoints(context.Context) ([]readmodel.Checkpoint, error) {
	c := <-s.checkpoints
	s.checkpoints <- c
	if c == nil {
		return nil, errors.New("away")
	}
	return c, nil
}

func (s *tables) Revocations(context.Context) ([]readmodel.RevocationRow, error) {
	return []readmodel.RevocationRow{{Tenant: "main", User: "alice", Before: int64(s.version)}}, nil
}

func tablesAt(c ...readmodel.Checkpoint) *tables {
	s := &tables{checkpoints: make(chan []readmodel.Checkpoint, 1)}
	s.checkpoints <- c
	return s
}

func (s *tables) set(c ...readmodel.Checkpoint) {
	<-s.checkpoints
	s.checkpoints <- c
}

func run(t *testing.T, f *Follower) {
	t.Helper()
	bus := gochannel.NewGoChannel(gochannel.Config{}, watermill.NopLogger{})
	f.Timeline = bus
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return f.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		_ = bus.Close()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestWaitFolded(t *testing.T) {
	t.Run("by the timeline", func(t *testing.T) {
		f := follower(tablesAt())
		done := make(chan error, 1)
		go func() { done <- f.WaitFolded(t.Context(), 0, 6) }()
		give(t, f, commit(1, 0, 5))
		give(t, f, commit(1, 5, 6))
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Run("by the checkpoints while the timeline is away", func(t *testing.T) {
		s := tablesAt()
		f := follower(s)
		run(t, f)
		done := make(chan error, 1)
		go func() { done <- f.WaitFolded(t.Context(), 3, 6) }()
		s.set(readmodel.Checkpoint{Partition: 3, Next: 9, Log: events.LogID{9}}) // of another log
		s.set(readmodel.Checkpoint{Partition: 3, Next: 6, Log: logID})
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Run("not for ever", func(t *testing.T) {
		f := follower(tablesAt())
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := f.WaitFolded(ctx, 0, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if f.waiting != 0 {
			t.Errorf("%d wait", f.waiting)
		}
	})
	t.Run("not at all", func(t *testing.T) {
		if err := follower(nil).WaitFolded(t.Context(), 7, 0); err != nil {
			t.Error(err)
		}
	})
}

// Who follows or waits is a listener for as long.
func TestListeners(t *testing.T) {
	l := timeline.NewListeners()
	f := follower(tablesAt())
	f.Hub = NewHub(slog.New(slog.DiscardHandler), l)
	listen := func(want bool, when string) {
		t.Helper()
		select {
		case <-l.Some():
			if !want {
				t.Errorf("%s, someone listens", when)
			}
		default:
			if want {
				t.Errorf("%s, nobody listens", when)
			}
		}
	}
	room, person := f.Hub.Subscribe(lobby, 0), f.Hub.SubscribePerson("main", "bob", nil)
	listen(true, "a room and a person are followed")
	room.Close()
	room.Close()
	listen(true, "the person is followed")
	person.Close()
	listen(false, "all is closed")
	done := make(chan error, 1)
	go func() { done <- f.WaitFolded(t.Context(), 0, 6) }()
	<-l.Some() // it waits
	give(t, f, commit(1, 0, 6))
	if err := <-done; err != nil {
		t.Error(err)
	}
	listen(false, "nobody waits any more")
}

// While the timeline is silent, the checkpoints tell streams to look.
func TestSilentTimeline(t *testing.T) {
	s := tablesAt(readmodel.Checkpoint{Partition: 0, Next: 5, Log: logID})
	f := follower(s)
	sub := f.Hub.Subscribe(lobby, 0)
	defer sub.Close()
	f.look(t.Context())
	if _, stale := took(sub); !stale {
		t.Error("the first word sent nobody to the read model")
	}
	f.look(t.Context())
	if _, stale := took(sub); stale {
		t.Error("nothing has moved, and the follower was sent to the read model")
	}
	s.set(readmodel.Checkpoint{Partition: 0, Next: 6, Log: logID})
	f.look(t.Context())
	if _, stale := took(sub); !stale {
		t.Error("the checkpoint has moved, and the follower was not told")
	}

	give(t, f, commit(1, 6, 6)) // the timeline is back
	s.set(readmodel.Checkpoint{Partition: 0, Next: 7, Log: logID})
	f.look(t.Context())
	if _, stale := took(sub); stale {
		t.Error("the timeline speaks, and the checkpoint overtook it")
	}
	if f.Folded(0) != 7 {
		t.Errorf("folded %d", f.Folded(0))
	}
}

// While a hole that the poller has found is not told to the streams, the chain does
// not go on behind it.
func TestHoleIsToldFirst(t *testing.T) {
	f := follower(nil)
	f.goLive(1)
	give(t, f, commit(1, 0, 5))
	f.Now = func() time.Time { return time.Now().Add(time.Hour) } // the timeline is silent
	next := func() events.Offset {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.head(0).next
	}
	f.Hub.mu.Lock()
	var g errgroup.Group
	g.Go(func() error { f.seen(readmodel.Checkpoint{Next: 6}); return nil })
	if err := f.WaitFolded(t.Context(), 0, 6); err != nil {
		t.Error(err)
	}
	if n := next(); n != 5 {
		t.Errorf("the chain leads to %d", n)
	}
	f.Hub.mu.Unlock()
	_ = g.Wait()
	if n := next(); n != 6 {
		t.Errorf("told of the hole, the chain leads to %d", n)
	}
}

// After a cut-over streams look at the other version's tables, and its commits are
// what they hear from then on.
func TestCutOver(t *testing.T) {
	s := tablesAt(readmodel.Checkpoint{Partition: 0, Next: 5, Log: logID})
	f := follower(s)
	f.look(t.Context())
	give(t, f, commit(7, 5, 5))
	sub := f.Hub.Subscribe(lobby, 0)
	defer sub.Close()
	second := func(floor, next events.Offset) timeline.Commit {
		return timeline.Commit{Projection: 2, Epoch: 1, Floor: floor, Next: next, Events: []readmodel.EventRow{posted(lobby, 1)}}
	}
	give(t, f, second(4, 5))
	if seqs, stale := took(sub); len(seqs) > 0 || stale {
		t.Error("a version that is not live was heard")
	}
	s.version = 2
	f.look(t.Context())
	if _, stale := took(sub); !stale {
		t.Error("streams were not sent to the tables of the version that is live now")
	}
	give(t, f, second(5, 6))
	give(t, f, commit(8, 5, 9)) // the previous version goes on
	give(t, f, second(6, 7))
	if seqs, stale := took(sub); len(seqs) != 0 || !stale || f.Folded(0) != 7 { // of this version it was the first word
		t.Errorf("%d frames, stale %t, folded %d", len(seqs), stale, f.Folded(0))
	}
}

// switching is told of revocations, and meanwhile another version goes live.
type switching struct {
	revocations
	to func()
}

func (s *switching) Revoke(...readmodel.RevocationRow) { s.to() }

// What another version says at the wrong moment, with an epoch that is ahead, does not hide
// what the live one says afterwards.
func TestOtherVersionHidesNothing(t *testing.T) {
	ahead := commit(9, 0, 5, posted(lobby, 1))
	for name, prepare := range map[string]func(*testing.T, *Follower){
		"another goes live while it is taken": func(t *testing.T, f *Follower) {
			f.goLive(1)
			f.Revocations = &switching{to: func() { f.goLive(2) }}
			give(t, f, ahead)
			f.Revocations = &revocations{}
		},
		"before the first look": func(t *testing.T, f *Follower) {
			give(t, f, ahead)
			f.goLive(2)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := follower(nil)
			prepare(t, f)
			live := commit(1, 5, 5)
			live.Projection = 2
			give(t, f, live)
			sub := f.Hub.Subscribe(lobby, 0)
			defer sub.Close()
			live = commit(1, 5, 6, posted(lobby, 2))
			live.Projection = 2
			give(t, f, live)
			if seqs, stale := took(sub); len(seqs) != 1 || stale {
				t.Errorf("%d delivered, stale %t", len(seqs), stale)
			}
		})
	}
}

func TestPollErrorShows(t *testing.T) {
	f := follower(tablesAt())
	f.look(t.Context())
	if _, _, err := f.Silent(); err == nil {
		t.Error("the database is away and the follower reports nothing")
	}
}
