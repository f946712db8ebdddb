package projector_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/admin"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/driver"
	"github.com/roomlog/roomlog/services/projector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const partitions = 4

// pair is a log and a database, as they are used together.
type pair struct {
	name string
	log  func(t *testing.T) eventlog.Config
	// database gives the address of an empty one.
	database func(t *testing.T) string
}

var pairs = []pair{
	{"embedded", embeddedLog, func(t *testing.T) string { return t.TempDir() }},
	{"kafka", kafkaLog, func(t *testing.T) string { return clustertest.Postgres(t) }},
}

func embeddedLog(t *testing.T) eventlog.Config {
	b, err := embedded.Start(t.Context(), embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return eventlog.Config{Brokers: b.Brokers(), Username: b.Username(), Password: b.Password()}
}

func kafkaLog(t *testing.T) eventlog.Config {
	return eventlog.Config{Brokers: clustertest.Kafka(t, 1), Topic: clustertest.Topic("events")}
}

// site is a log with a history and a database.
type site struct {
	cfg      eventlog.Config
	layout   eventlog.Layout
	client   *eventlog.Client
	database string
	timeline message.Publisher // of projectors that are started; nil: a channel
}

func newSite(t *testing.T, p pair) *site { return newSiteOf(t, p, partitions) }

func newSiteOf(t *testing.T, p pair, partitions int) *site {
	t.Helper()
	s := &site{cfg: p.log(t), database: p.database(t)}
	s.cfg.SessionTimeout = 6 * time.Second
	var err error
	if s.client, err = eventlog.NewClient(s.cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.Close)
	if s.layout, err = s.client.EnsureTopic(t.Context(), s.cfg.EventsTopicSpec(partitions, 0, 0)); err != nil {
		t.Fatal(err)
	}
	s.cfg.Topic = s.layout.Topic
	return s
}

func (s *site) publish(t *testing.T, seed uint64, n int) {
	t.Helper()
	p, err := eventlog.NewPublisher(s.cfg, s.layout)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	records := roomtest.History(roomtest.Config{Records: n}, seed)
	if _, err := p.PublishBatch(t.Context(), roomtest.Messages(records)); err != nil {
		t.Fatal(err)
	}
}

func (s *site) open(t *testing.T) readmodel.Store {
	t.Helper()
	store, err := driver.Open(t.Context(), driver.Config{Address: s.database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func (s *site) openVersion(ctx context.Context, version, conns int) (readmodel.Store, error) {
	return driver.Open(ctx, driver.Config{Address: s.database, Version: version, Existing: true, MaxConns: conns})
}

func (s *site) installation(control readmodel.Control) projector.Installation {
	return projector.Installation{Log: s.cfg, Layout: s.layout, Control: control, Open: s.openVersion}
}

func (s *site) status(t *testing.T) projector.Status {
	t.Helper()
	st, err := projector.ReadStatus(t.Context(), s.installation(s.control(t)))
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// start runs a projector until stop is called.
func (s *site) start(t *testing.T, cfg projector.Config) (service *projector.Service, stop func()) {
	return s.startOn(t, cfg, s.openVersion)
}

// startOn runs a projector on the tables that open opens.
func (s *site) startOn(t *testing.T, cfg projector.Config, open func(ctx context.Context, version, conns int) (readmodel.Store, error)) (service *projector.Service, stop func()) {
	t.Helper()
	control, err := driver.OpenControl(t.Context(), driver.Config{Address: s.database})
	if err != nil {
		t.Fatal(err)
	}
	timeline := s.timeline
	if timeline == nil {
		channel := gochannel.NewGoChannel(gochannel.Config{}, watermill.NopLogger{})
		t.Cleanup(func() { _ = channel.Close() })
		timeline = channel
	}
	service, err = projector.New(cfg, projector.Deps{
		Log: s.cfg, Layout: s.layout, Control: control, Open: open, Timeline: timeline, TimelineTopic: "timeline",
		Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		_ = control.Close()
	})
	t.Cleanup(stop)
	return service, stop
}

// folded waits until the checkpoints have reached the log's ends.
func (s *site) folded(t *testing.T, store readmodel.Store) map[string]int {
	t.Helper()
	ends, err := s.client.Ends(t.Context(), s.layout)
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		var behind []string
		owners := map[string]int{}
		for p, end := range ends {
			cp := checkpoint(t, store, events.Partition(p))
			owners[cp.Owner]++
			if cp.Next < end {
				behind = append(behind, fmt.Sprintf("partition %d at %d of %d", p, cp.Next, end))
			}
		}
		if len(behind) == 0 {
			return owners
		}
		if time.Now().After(deadline) {
			t.Fatalf("not folded in time: %v", behind)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func checkpoint(t *testing.T, store readmodel.Store, p events.Partition) (cp readmodel.Checkpoint) {
	t.Helper()
	err := store.Snapshot(t.Context(), func(r readmodel.Reader) (err error) {
		cp, _, err = r.Checkpoint(t.Context(), p)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return cp
}

// verify folds the log afresh and expects the tables to be equal.
func (s *site) verify(t *testing.T, store readmodel.Store) (projector.Verified, []projector.Difference) {
	t.Helper()
	scratch, err := driver.Open(t.Context(), driver.Config{Address: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = scratch.Close() }()
	var found []projector.Difference
	got, err := projector.Verify(t.Context(), projector.Verification{Log: s.cfg, Layout: s.layout, Store: store, Scratch: scratch},
		func(d projector.Difference) { found = append(found, d) })
	if err != nil {
		t.Fatal(err)
	}
	return got, found
}

func TestFoldsTheLogOnBothPairs(t *testing.T) {
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			s := newSite(t, p)
			store := s.open(t)
			s.publish(t, 1, 1000)
			service, stop := s.start(t, projector.Config{})
			s.folded(t, store)
			if report := admin.Run(t.Context(), service.Checks()...); !report.Ready {
				t.Errorf("not ready: %+v", report)
			}
			stop()
			s.publish(t, 2, 500) // while nobody folds
			_, stop = s.start(t, projector.Config{MaxBatch: 7})
			s.folded(t, store)
			stop()
			got, differences := s.verify(t, store)
			if got.Records < 1500 || got.Rows < 500 || len(differences) > 0 {
				t.Errorf("%+v, differences: %+v", got, differences)
			}
		})
	}
}

// TestTwoProjectorsShare starts a second projector beside a first, under load,
// and stops the first.
func TestTwoProjectorsShare(t *testing.T) {
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			s := newSite(t, p)
			store := s.open(t)
			s.publish(t, 3, 300)
			_, stopFirst := s.start(t, projector.Config{MaxBatch: 20})
			s.folded(t, store)
			before := epochs(t, store)
			second, stopSecond := s.start(t, projector.Config{MaxBatch: 20})
			const half = partitions / 2
			for deadline := time.Now().Add(30 * time.Second); len(second.Partitions(1)) < half; <-time.After(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("the second projector got %d partitions", len(second.Partitions(1)))
				}
			}
			s.publish(t, 4, 300)
			s.folded(t, store)
			// What has moved was claimed once more. What has not moved was not stopped:
			// a claim is what begins anew.
			moved := map[events.Partition]bool{}
			for _, st := range second.Partitions(1) {
				moved[st.Partition] = true
			}
			if len(moved) != half {
				t.Errorf("the second projector has %d of %d partitions", len(moved), partitions)
			}
			for i, e := range epochs(t, store) {
				if claimed := e > before[i]; claimed != moved[events.Partition(i)] {
					t.Errorf("partition %d: moved %v, claimed again %v", i, !claimed, claimed)
				}
			}
			stopFirst()
			s.publish(t, 5, 300)
			s.folded(t, store)
			stopSecond()
			for i, e := range epochs(t, store) {
				if e <= before[i] {
					t.Errorf("partition %d was not claimed by the second projector: epoch %d", i, e)
				}
			}
			if got, differences := s.verify(t, store); len(differences) > 0 {
				t.Errorf("%+v, differences: %+v", got, differences)
			}
		})
	}
}

func epochs(t *testing.T, store readmodel.Store) []int64 {
	var out []int64
	for p := range events.Partition(partitions) {
		out = append(out, checkpoint(t, store, p).Epoch)
	}
	return out
}
