package projector_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector"
)

// TestPartitionsFoldAtOnce holds each batch in its transaction until as many are
// open as --parallel says, and lets no more be open ever.
func TestPartitionsFoldAtOnce(t *testing.T) {
	const many = 16 // more than the connections that a store has if nobody says how many
	for _, parallel := range []int{1, many} {
		t.Run(fmt.Sprintf("parallel=%d", parallel), func(t *testing.T) {
			s := newSiteOf(t, pair{log: embeddedLog, database: func(t *testing.T) string { return clustertest.Postgres(t) }}, many)
			s.publishRooms(t, many)
			g := &gathering{want: parallel, complete: make(chan struct{})}
			_, stop := s.startOn(t, projector.Config{Parallel: parallel}, func(ctx context.Context, version, conns int) (readmodel.Store, error) {
				store, err := s.openVersion(ctx, version, conns)
				return gathered{store, g}, err
			})
			defer stop()
			s.folded(t, s.open(t))
			if g.most != parallel {
				t.Errorf("%d partitions were folded at once, --parallel is %d", g.most, parallel)
			}
		})
	}
}

// publishRooms makes a room in each partition.
func (s *site) publishRooms(t *testing.T, partitions int) {
	t.Helper()
	p, err := eventlog.NewPublisher(s.cfg, s.layout)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	done := map[events.Partition]bool{}
	for i := 0; len(done) < partitions; i++ {
		room := events.RoomID(fmt.Sprint("room-", i))
		if at := eventlog.PartitionOf(events.Key("main", room), partitions); done[at] {
			continue
		}
		m, err := events.Encode(&events.Event{
			ID: events.IdempotentID("main", room, "alice", "key"), Type: events.TypeRoomCreated, Tenant: "main", Room: room,
			Facts: events.RoomCreated{Command: events.Command{Sender: "alice"}, Kind: events.RoomPublic, Rules: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		at, err := p.Publish(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		done[at.Partition] = true
	}
}

// gathering waits until as many batches are open as are wanted.
type gathering struct {
	want     int
	complete chan struct{} // closed when they are

	mu         sync.Mutex
	open, most int
}

func (g *gathering) enter() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open++
	if g.most = max(g.most, g.open); g.open == g.want {
		select {
		case <-g.complete:
		default:
			close(g.complete)
		}
	}
}

func (g *gathering) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
}

// gathered is a store whose batches gather.
type gathered struct {
	readmodel.Store
	*gathering
}

func (g gathered) Fold(ctx context.Context, fence readmodel.Fence, needs readmodel.Needs, fold func(readmodel.Rows) (readmodel.Batch, error)) error {
	return g.Store.Fold(ctx, fence, needs, func(rows readmodel.Rows) (readmodel.Batch, error) {
		g.enter()
		defer g.leave()
		select {
		case <-g.complete:
			return fold(rows)
		case <-time.After(8 * time.Second): // the server ends the transaction after 10 s
			return readmodel.Batch{}, errors.New("the others do not come")
		}
	})
}
