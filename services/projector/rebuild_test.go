package projector_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/driver"
	"github.com/roomlog/roomlog/services/projector"
)

func (s *site) control(t *testing.T) readmodel.Control {
	t.Helper()
	c, err := driver.OpenControl(t.Context(), driver.Config{Address: s.database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (s *site) rebuilding(control readmodel.Control) projector.Rebuilding {
	return projector.Rebuilding{Installation: s.installation(control), Logger: slog.New(slog.DiscardHandler)}
}

func liveVersion(t *testing.T, c readmodel.Control) int {
	t.Helper()
	all, err := c.Projections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.State == readmodel.Live {
			return p.Version
		}
	}
	t.Fatalf("none is live: %+v", all)
	return 0
}

// TestRebuildUnderWrites rebuilds twice, goes back and drops, while somebody
// writes, so much that there is always something to fold, and a reader sees no seq of
// a room go back.
func TestRebuildUnderWrites(t *testing.T) {
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			s := newSite(t, p)
			live, err := driver.OpenLive(t.Context(), driver.Config{Address: s.database})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = live.Close() }()
			control := s.control(t)
			s.publish(t, 1, 2000)
			_, stop := s.startOn(t, projector.Config{}, slowly(s.openVersion))
			defer stop()
			s.folded(t, live)

			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			rebuilding := s.rebuilding(control)
			rebuilding.Open = slowly(s.openVersion)
			wrote := make(chan error, 1)
			go func() { wrote <- s.write(ctx) }()
			var reads atomic.Int64
			read := make(chan error, 1)
			go func() { read <- watch(ctx, live, &reads) }()

			first, err := projector.Rebuild(ctx, rebuilding)
			if err != nil {
				t.Fatal(err)
			}
			if got := liveVersion(t, control); got != first.Version || got != 2 {
				t.Errorf("version %d is live, %d was built", got, first.Version)
			}
			back, err := projector.RollBack(t.Context(), s.installation(control))
			if err != nil || back.Version != 1 || liveVersion(t, control) != 1 {
				t.Errorf("went back to version %d: %v", back.Version, err)
			}
			if dropped, err := projector.DropOld(t.Context(), control, readmodel.Previous); err != nil || !slices.Equal(dropped, []int{2}) {
				t.Errorf("dropped %v: %v", dropped, err)
			}
			second, err := projector.Rebuild(ctx, rebuilding)
			if err != nil || second.Version != 3 {
				t.Fatalf("version %d: %v", second.Version, err)
			}
			cancel()
			if err := <-wrote; err != nil {
				t.Errorf("write: %v", err)
			}
			if err := <-read; err != nil {
				t.Errorf("after %d reads: %v", reads.Load(), err)
			}
			if reads.Load() < 20 {
				t.Errorf("only %d reads", reads.Load())
			}
			s.folded(t, live)
			stop()
			if got, differences := s.verify(t, live); len(differences) > 0 || got.Records < 2000 {
				t.Errorf("%+v, differences: %+v", got, differences)
			}
		})
	}
}

// slowly makes each batch take longer than what comes meanwhile.
func slowly(open func(ctx context.Context, version, conns int) (readmodel.Store, error)) func(ctx context.Context, version, conns int) (readmodel.Store, error) {
	return func(ctx context.Context, version, conns int) (readmodel.Store, error) {
		store, err := open(ctx, version, conns)
		return slow{store}, err
	}
}

type slow struct{ readmodel.Store }

func (s slow) Fold(ctx context.Context, fence readmodel.Fence, needs readmodel.Needs, fold func(readmodel.Rows) (readmodel.Batch, error)) error {
	<-time.After(100 * time.Millisecond)
	return s.Store.Fold(ctx, fence, needs, fold)
}

// TestRebuildWithoutABeginning has a log that lacks what was folded first: the rebuild
// says so, in the place of waiting for ever, and the live version stays.
func TestRebuildWithoutABeginning(t *testing.T) {
	s := newSite(t, pairs[0])
	control := s.control(t)
	s.publish(t, 1, 400)
	deleteAll(t, s)
	_, err := projector.Rebuild(t.Context(), s.rebuilding(control))
	if err == nil || !strings.Contains(err.Error(), "cannot be folded from its beginning") {
		t.Errorf("got error %v", err)
	}
	if v := liveVersion(t, control); v != 1 {
		t.Errorf("version %d is live", v)
	}
	if dropped, err := projector.DropOld(t.Context(), control, readmodel.Building); err != nil || !slices.Equal(dropped, []int{2}) {
		t.Errorf("dropped %v: %v", dropped, err)
	}
}

// TestRebuildIsResumedOnce goes on with what was begun; when that is live, there is
// nothing to resume, and nothing is begun.
func TestRebuildIsResumedOnce(t *testing.T) {
	s := newSite(t, pairs[0])
	control := s.control(t)
	s.publish(t, 1, 400)
	resume := s.rebuilding(control)
	resume.Resume = true
	if _, err := projector.Rebuild(t.Context(), resume); !errors.Is(err, projector.ErrNotBuilding) {
		t.Errorf("before any was begun: %v", err)
	}
	if _, err := control.Build(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if p, err := projector.Rebuild(t.Context(), resume); err != nil || p.Version != 2 {
		t.Errorf("version %d: %v", p.Version, err)
	}
	if _, err := projector.Rebuild(t.Context(), resume); !errors.Is(err, projector.ErrNotBuilding) {
		t.Errorf("after it: %v", err)
	}
	if v := liveVersion(t, control); v != 2 {
		t.Errorf("version %d is live", v)
	}
}

// write publishes small batches until ctx ends.
func (s *site) write(ctx context.Context) error {
	p, err := eventlog.NewPublisher(s.cfg, s.layout)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	for seed := uint64(100); ctx.Err() == nil; seed++ {
		records := roomtest.History(roomtest.Config{Records: 20}, seed)
		if _, err := p.PublishBatch(context.WithoutCancel(ctx), roomtest.Messages(records)); err != nil {
			return err
		}
		<-time.After(10 * time.Millisecond)
	}
	return nil
}

// watch reads the live tables until ctx ends: no read fails, no room goes back.
func watch(ctx context.Context, live readmodel.Store, reads *atomic.Int64) error {
	k := readmodel.Key{Tenant: "main", Room: "lobby"}
	last := readmodel.RoomRow{}
	for ctx.Err() == nil {
		err := live.Snapshot(context.WithoutCancel(ctx), func(r readmodel.Reader) error {
			now, _, err := r.Room(context.WithoutCancel(ctx), k)
			if err == nil && now.Seq < last.Seq {
				return errors.New("the room went back in time")
			}
			last = now
			return err
		})
		if err != nil {
			return err
		}
		reads.Add(1)
		<-time.After(time.Millisecond)
	}
	return nil
}
