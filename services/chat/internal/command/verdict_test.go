package command

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/live"
	"github.com/roomlog/roomlog/services/chat/internal/position"
)

// stuck is a read model that is caught up and does not answer.
type stuck struct{ readmodel.Store }

func (stuck) Snapshot(context.Context, func(readmodel.Reader) error, ...readmodel.Ahead) error {
	return errors.New("away")
}

func (stuck) WaitFolded(context.Context, events.Partition, events.Offset) error { return nil }

func (stuck) Glance(readmodel.Key) live.Glance { return live.Glance{} }

func (stuck) Certain(live.Glance, events.Partition) bool { return false }

func (stuck) Folded(events.Partition) events.Offset { return 0 }

func (stuck) Layout() eventlog.Layout { return eventlog.Layout{Partitions: 1} }

func (stuck) Ends(context.Context) ([]events.Offset, error) { return nil, errors.New("away") }

// A verdict that does not come is waited for until the deadline and no longer,
// also where the deadline has passed before: the log took longer than the client
// was willing to wait.
func TestWaitingForAVerdictEnds(t *testing.T) {
	for name, wait := range map[string]time.Duration{"later": 2 * time.Second, "before": -time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &Service{Config: Config{
					Store: stuck{}, Follower: stuck{}, Gate: position.NewGate(stuck{}, stuck{}), Now: time.Now, ReadTimeout: time.Second,
				}}
				begun := time.Now()
				var r Receipt
				err := s.await(t.Context(), &Command{Who: auth.Identity{Tenant: "main", User: "ann"}, Room: "lobby"}, &r, begun.Add(wait))
				if err != nil || r.Outcome != nil {
					t.Errorf("outcome %v, error %v", r.Outcome, err)
				}
				if took := time.Since(begun); took != max(wait, 0) {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}
