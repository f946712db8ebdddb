package projector_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/deployments/cluster"
	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/projector"
)

// TestDatabaseKilled kills PostgreSQL while it is folded into. Batches do not wait
// for the disk, so the last ones may be gone, after the timeline was told of them:
// folded again, every seq must be of the same event.
func TestDatabaseKilled(t *testing.T) {
	servers := clustertest.Start(t, cluster.Config{Postgres: true})
	s := newSite(t, pair{log: embeddedLog, database: func(t *testing.T) string { return clustertest.Database(t, servers.PostgresURL()) }})
	told := &told{events: map[seqOf]events.EventID{}, next: map[events.Partition]events.Offset{}, grown: make(chan struct{}, 1)}
	s.timeline = told
	_, stop := s.start(t, projector.Config{MaxBatch: 5})
	defer stop()
	for round := range 4 {
		before := told.len()
		s.say(t, events.RoomID(fmt.Sprint("room-", round)), 1000)
		told.await(t, before+50) // in the middle of it
		if err := servers.Postgres().Kill(); err != nil {
			t.Fatal(err)
		}
		restart(t, servers.Postgres())
	}
	store := s.open(t)
	s.folded(t, store)
	stop()
	if got, differences := s.verify(t, store); len(differences) > 0 {
		t.Errorf("%+v, differences: %+v", got, differences)
	}
	told.compare(t, store)
	t.Logf("%d records were folded again", told.back)
}

// restart starts a server that was killed. A session that began in that moment may
// outlive the others by a little, and nothing starts until it has ended, too.
func restart(t *testing.T, server *cluster.Node) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := server.Start(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// say makes a room in which somebody says that many things, all of them accepted.
func (s *site) say(t *testing.T, room events.RoomID, n int) {
	t.Helper()
	p, err := eventlog.NewPublisher(s.cfg, s.layout)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	by := events.Command{Sender: "alice"}
	all := make([]events.Message, n+1)
	for i := range all {
		var f events.Facts = events.MessagePosted{Command: by, Kind: "text", TextBytes: 2}
		if i == 0 {
			f = events.RoomCreated{Command: by, Kind: events.RoomPublic, Rules: 1}
		}
		all[i], err = events.Encode(&events.Event{
			ID: events.IdempotentID("main", room, by.Sender, fmt.Sprint(i)), Type: f.EventType(), Tenant: "main", Room: room,
			Facts: f, Content: json.RawMessage(`{"text":"hi"}`),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.PublishBatch(t.Context(), all); err != nil {
		t.Fatal(err)
	}
}

type seqOf struct {
	readmodel.Key
	events.Seq
}

// told collects what a timeline is told.
type told struct {
	mu     sync.Mutex
	events map[seqOf]events.EventID
	twice  []seqOf // told of two events
	next   map[events.Partition]events.Offset
	back   events.Offset // by how much checkpoints went back
	grown  chan struct{}
}

func (c *told) Close() error { return nil }

func (c *told) Publish(_ string, all ...*message.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range all {
		commit, err := timeline.Decode(m)
		if err != nil {
			return err
		}
		c.back += max(c.next[commit.Partition]-commit.Next, 0)
		c.next[commit.Partition] = commit.Next
		for _, e := range commit.Events {
			k := seqOf{e.Key, e.Seq}
			if id, ok := c.events[k]; ok && id != e.ID {
				c.twice = append(c.twice, k)
			}
			c.events[k] = e.ID
		}
	}
	select {
	case c.grown <- struct{}{}:
	default:
	}
	return nil
}

func (c *told) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.events)
}

func (c *told) await(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(time.Minute)
	for c.len() < n {
		select {
		case <-c.grown:
		case <-deadline:
			t.Fatalf("told of %d events, waited for %d", c.len(), n)
		}
	}
}

// compare expects the tables to have all that was told.
func (c *told) compare(t *testing.T, store readmodel.Store) {
	t.Helper()
	if len(c.twice) > 0 {
		t.Errorf("seqs that were told of two events: %v", c.twice)
	}
	rooms := map[readmodel.Key][]readmodel.EventRow{}
	err := store.Snapshot(t.Context(), func(r readmodel.Reader) error {
		for k := range c.events {
			if _, ok := rooms[k.Key]; ok {
				continue
			}
			rows, err := r.Events(t.Context(), k.Key, 0, nil, 1<<20)
			if err != nil {
				return err
			}
			rooms[k.Key] = rows
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for k, id := range c.events {
		if !slices.ContainsFunc(rooms[k.Key], func(e readmodel.EventRow) bool { return e.Seq == k.Seq && e.ID == id }) {
			t.Errorf("told was seq %d of %s/%s as %s, the tables have something else there", k.Seq, k.Tenant, k.Room, id)
		}
	}
}
