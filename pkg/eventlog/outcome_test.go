package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
)

// stick makes requests of one kind wait in the broker until release is called.
func stick(t *testing.T, c *kfake.Cluster, key kmsg.Key) (stuck <-chan struct{}, release func()) {
	t.Helper()
	reached, free := make(chan struct{}, 100), make(chan struct{})
	c.ControlKey(key.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		reached <- struct{}{}
		c.SleepControl(func() { <-free })
		return nil, nil, false
	})
	once := false
	release = func() {
		if !once {
			once = true
			close(free)
		}
	}
	t.Cleanup(release)
	return reached, release
}

func rawClient(t *testing.T, cfg eventlog.Config, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	opts = append(opts, kgo.SeedBrokers(cfg.Brokers...))
	if cfg.Username != "" {
		opts = append(opts, kgo.SASL(plain.Auth{User: cfg.Username, Pass: cfg.Password}.AsMechanism()))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func TestStuckBroker(t *testing.T) { bothWays(t, testStuckBroker) }

func testStuckBroker(t *testing.T, b *embedded.Broker, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 1)
	cfg.MaxInFlight = 1
	p := newPublisher(t, cfg, l)
	stuck, release := stick(t, b.Cluster(), kmsg.Produce)

	begun := time.Now()
	_, err := p.PublishWithin(300*time.Millisecond, event("room", 1))
	if !errors.Is(err, eventlog.ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("publish: %v", err)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("publish returned after %s, its deadline is 300ms", took)
	}
	<-stuck

	// The one slot is taken: the next record is not handed over.
	for _, d := range []time.Duration{50 * time.Millisecond, 0, -1} {
		_, err := p.PublishWithin(d, event("room", 2))
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, eventlog.ErrUnknownOutcome) {
			t.Errorf("publish without a slot: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.Publish(ctx, event("room", 2)); err == nil || errors.Is(err, eventlog.ErrUnknownOutcome) {
		t.Errorf("publish without a slot: %v", err)
	}
	if _, err := p.PublishBatch(ctx, messages("room", 3)); err == nil || errors.Is(err, eventlog.ErrUnknownOutcome) {
		t.Errorf("batch without a slot: %v", err)
	}

	release()
	pos, err := p.Publish(testContext(t), event("room", 3)) // gets the slot when the first is through
	if err != nil || pos.Offset != 1 {
		t.Errorf("then: %+v, %v", pos, err)
	}
	if all := readAll(t, cfg, l, 0); len(all) != 2 {
		t.Errorf("the log has %d records, want the first and the third", len(all))
	}
}

// What is said of a record that nobody waits for any more is not taken for the next one's.
func TestLateAnswer(t *testing.T) { bothWays(t, testLateAnswer) }

func testLateAnswer(t *testing.T, b *embedded.Broker, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 1)
	p := newPublisher(t, cfg, l)
	stuck, release := stick(t, b.Cluster(), kmsg.Produce)
	if pos, err := p.PublishWithin(50*time.Millisecond, event("room", 1)); !errors.Is(err, eventlog.ErrUnknownOutcome) {
		t.Errorf("publish: %+v, %v", pos, err)
	}
	<-stuck
	release()
	for n := range events.Offset(3) {
		if pos, err := p.PublishWithin(time.Minute, event("room", 2)); err != nil || pos.Offset != 1+n {
			t.Errorf("then: %+v, %v", pos, err)
		}
	}
}

// What sarama has no room for in time is not in the log; what it has taken is, later.
func TestNotTaken(t *testing.T) {
	b, cfg := startBroker(t, "")
	l := ensureEvents(t, cfg, 1)
	p := newPublisher(t, cfg, l)
	_, release := stick(t, b.Cluster(), kmsg.Metadata) // sarama knows of no leader
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	const senders = 1000 // more than sarama's channels hold
	failed := make(chan error, senders)
	for i := range senders {
		go func() {
			var err error
			if i%2 == 0 {
				_, err = p.Publish(ctx, event("room", i))
			} else {
				_, err = p.PublishWithin(300*time.Millisecond, event("room", i))
			}
			failed <- err
		}()
	}
	taken := 0
	for range senders {
		switch err := <-failed; {
		case errors.Is(err, eventlog.ErrUnknownOutcome):
			taken++
		case !errors.Is(err, context.DeadlineExceeded):
			t.Fatalf("publish: %v", err)
		}
	}
	if taken == 0 || taken == senders {
		t.Fatalf("sarama has taken %d of %d", taken, senders)
	}
	release()
	pos, err := p.Publish(testContext(t), event("room", senders))
	if err != nil || int(pos.Offset) != taken {
		t.Errorf("%+v, %v behind the %d that were taken", pos, err, taken)
	}
}

func TestStuckBatch(t *testing.T) { bothWays(t, testStuckBatch) }

func testStuckBatch(t *testing.T, b *embedded.Broker, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 1)
	p := newPublisher(t, cfg, l)
	stuck, _ := stick(t, b.Cluster(), kmsg.Produce)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	done, err := p.PublishBatch(ctx, messages("room", 10))
	if !errors.Is(err, eventlog.ErrUnknownOutcome) || len(done) != 0 {
		t.Errorf("batch: %d positions, %v", len(done), err)
	}
	<-stuck
}

func TestCloseIsBounded(t *testing.T) { bothWays(t, testCloseIsBounded) }

func testCloseIsBounded(t *testing.T, b *embedded.Broker, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 1)
	cfg.CloseTimeout = 100 * time.Millisecond
	p, err := eventlog.NewPublisher(cfg, l)
	if err != nil {
		t.Fatal(err)
	}
	stuck, release := stick(t, b.Cluster(), kmsg.Produce)
	failed := make(chan error, 1)
	go func() {
		_, err := p.Publish(testContext(t), event("room", 1))
		failed <- err
	}()
	<-stuck
	if err := p.Close(); err == nil {
		t.Error("Close says that nothing is in flight")
	}
	if _, err := p.Publish(t.Context(), event("room", 2)); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("publish after Close: %v", err)
	}
	release()
	if err := <-failed; err != nil {
		t.Errorf("what was in flight: %v", err)
	}
}

const errOutOfOrder = sarama.ErrOutOfOrderSequenceNumber

// checkSecondIsLast looks for event 2 of the room at the end of a partition, where it was said
// to stand.
func checkSecondIsLast(t *testing.T, all []eventlog.Record, said events.Position) {
	t.Helper()
	if want := int(said.Offset) + 1; len(all) != want || string(all[want-1].Value) != `{"n":2}` {
		t.Errorf("%d records, the last was said to be at %d", len(all), said.Offset)
	}
}

func TestOutcomes(t *testing.T) {
	for name, tc := range map[string]struct {
		fault   *kerr.Error
		unknown bool
	}{
		// The broker has the record and says a time-out: sarama sends it again
		// and gets the place of the first.
		"appended, then timed out": {kerr.RequestTimedOut, false},
		"not enough replicas":      {kerr.NotEnoughReplicasAfterAppend, false},
		"leader moved":             {kerr.NotLeaderForPartition, false},
		"duplicate, no offset":     {kerr.DuplicateSequenceNumber, true},
		"refused for good":         {kerr.TopicAuthorizationFailed, true},
		"broken broker":            {kerr.UnknownServerError, true},
	} {
		t.Run(name, func(t *testing.T) {
			b, cfg := startBroker(t, "")
			l := ensureEvents(t, cfg, 1)
			p := newPublisher(t, cfg, l)
			if _, err := p.Publish(testContext(t), event("room", 0)); err != nil {
				t.Fatal(err)
			}
			fault := b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: tc.fault})
			pos, err := p.Publish(testContext(t), event("room", 1))
			if errors.Is(err, eventlog.ErrUnknownOutcome) != tc.unknown {
				t.Errorf("publish: %+v, %v", pos, err)
			}
			if !tc.unknown && (err != nil || pos.Offset != 1) {
				t.Errorf("publish: %+v, %v; want offset 1", pos, err)
			}
			if fault.Hits() != 1 {
				t.Errorf("the fault was hit %d times", fault.Hits())
			}
			next, err := p.Publish(testContext(t), event("room", 2))
			if errors.Is(err, errOutOfOrder) { // the fault has left the producer one ahead of the broker
				next, err = p.Publish(testContext(t), event("room", 2))
			}
			if err != nil {
				t.Fatal(err)
			}
			all := readAll(t, cfg, l, 0)
			checkSecondIsLast(t, all, next)
			if !tc.unknown && len(all) != 3 {
				t.Errorf("%d records, want 3", len(all))
			}
		})
	}
}

func TestNotSent(t *testing.T) { bothWays(t, testNotSent) }

func testNotSent(t *testing.T, _ *embedded.Broker, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 1)
	p := newPublisher(t, cfg, l)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	big := event("room", 1)
	big.Value = bytes.Repeat([]byte("x"), 2<<20)
	for name, publish := range map[string]func() error{
		"context ended": func() error { _, err := p.Publish(ended, event("room", 1)); return err },
		"too large":     func() error { _, err := p.Publish(testContext(t), big); return err },
	} {
		if err := publish(); err == nil || errors.Is(err, eventlog.ErrUnknownOutcome) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// addPartitions gives the topic two more than the one that the log has.
func addPartitions(t *testing.T, cfg eventlog.Config, l eventlog.Layout) {
	t.Helper()
	if _, err := kadm.NewClient(rawClient(t, cfg)).CreatePartitions(testContext(t), 2, l.Topic); err != nil {
		t.Fatal(err)
	}
}

func TestOtherPartitions(t *testing.T) {
	_, cfg := startBroker(t, "")
	l := ensureEvents(t, cfg, 1)
	addPartitions(t, cfg, l)
	grown := newPublisher(t, cfg, l)
	if _, err := grown.Publish(testContext(t), event("room", 1)); !errors.Is(err, eventlog.ErrPartitionCount) || errors.Is(err, eventlog.ErrUnknownOutcome) {
		t.Errorf("other partitions: %v", err)
	}
	if ends, err := eventlog.EnsureTopic(testContext(t), cfg, cfg.EventsTopicSpec(1, 0, 0)); !errors.Is(err, eventlog.ErrPartitionCount) {
		t.Errorf("EnsureTopic of 1 partition where 3 are: %+v, %v", ends, err)
	}
}

// Within the process a room stays in its partition, whatever is added beside it.
func TestPartitionsAdded(t *testing.T) {
	b, cfg := startBroker(t, "")
	cfg.Dial = b.Dial
	l := ensureEvents(t, cfg, 1)
	addPartitions(t, cfg, l)
	p := newPublisher(t, cfg, l)
	for n := range events.Offset(20) {
		if pos, err := p.Publish(testContext(t), event(fmt.Sprint("room", n), 1)); err != nil || pos.Partition != 0 || pos.Offset != n {
			t.Errorf("%+v, %v", pos, err)
		}
	}
}

// What the topic has got in the place of the log gets nothing, within the process.
func TestNothingForAnotherTopic(t *testing.T) {
	b, cfg := startBroker(t, "")
	cfg.Dial = b.Dial
	l := ensureEvents(t, cfg, 1)
	p := newPublisher(t, cfg, l)
	adm := kadm.NewClient(rawClient(t, cfg))
	if _, err := adm.DeleteTopics(testContext(t), l.Topic); err != nil {
		t.Fatal(err)
	}
	another := ensureEvents(t, cfg, 1)
	if pos, err := p.Publish(testContext(t), event("room", 1)); !errors.Is(err, eventlog.ErrTopicReplaced) || errors.Is(err, eventlog.ErrUnknownOutcome) {
		t.Errorf("publish: %+v, %v", pos, err)
	}
	if all := readAll(t, cfg, another, 0); len(all) != 0 {
		t.Errorf("the other topic has %d records", len(all))
	}
}

// Within the process nothing is sent again: what the broker says of a record is its fate.
func TestOutcomesInTheProcess(t *testing.T) {
	for _, fault := range []*kerr.Error{kerr.RequestTimedOut, kerr.NotLeaderForPartition, kerr.UnknownServerError} {
		t.Run(fault.Message, func(t *testing.T) {
			b, cfg := startBroker(t, "")
			cfg.Dial = b.Dial
			l := ensureEvents(t, cfg, 1)
			p := newPublisher(t, cfg, l)
			hit := b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: fault})
			if pos, err := p.Publish(testContext(t), event("room", 1)); !errors.Is(err, eventlog.ErrUnknownOutcome) || !errors.Is(err, fault) {
				t.Errorf("publish: %+v, %v", pos, err)
			}
			if hit.Hits() != 1 {
				t.Errorf("the fault was hit %d times", hit.Hits())
			}
			pos, err := p.Publish(testContext(t), event("room", 2))
			if err != nil {
				t.Fatal(err)
			}
			checkSecondIsLast(t, readAll(t, cfg, l, 0), pos)
		})
	}
}

// A connection that ends in the middle leaves the fate of what is under way open, and the
// next record has another.
func TestConnectionEndsInTheProcess(t *testing.T) {
	b, cfg := startBroker(t, "")
	var mu sync.Mutex
	var open []net.Conn
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := b.Dial(ctx, network, address)
		mu.Lock()
		defer mu.Unlock()
		open = append(open, c)
		return c, err
	}
	l := ensureEvents(t, cfg, 1)
	p := newPublisher(t, cfg, l)
	stuck, release := stick(t, b.Cluster(), kmsg.Produce)
	failed := make(chan error, 1)
	go func() {
		_, err := p.Publish(testContext(t), event("room", 1))
		failed <- err
	}()
	<-stuck
	mu.Lock()
	for _, c := range open {
		if c != nil {
			_ = c.Close()
		}
	}
	mu.Unlock()
	if err := <-failed; !errors.Is(err, eventlog.ErrUnknownOutcome) {
		t.Errorf("publish: %v", err)
	}
	release()
	pos, err := p.Publish(testContext(t), event("room", 2))
	if err != nil {
		t.Fatal(err)
	}
	checkSecondIsLast(t, readAll(t, cfg, l, 0), pos)
}

// TestCloseWhilePublishing has senders who go on: what Close did not wait for was not sent.
func TestCloseWhilePublishing(t *testing.T) { bothWays(t, testCloseWhilePublishing) }

func testCloseWhilePublishing(t *testing.T, _ *embedded.Broker, cfg eventlog.Config) {
	const senders = 64
	l := ensureEvents(t, cfg, 1)
	p := newPublisher(t, cfg, l)
	var sent atomic.Int64
	enough := make(chan struct{})
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for n := 0; ; n++ {
				switch _, err := p.Publish(testContext(t), event(fmt.Sprint("room", s), n)); {
				case err == nil:
					if sent.Add(1) == 10*senders {
						close(enough)
					}
				case errors.Is(err, eventlog.ErrClosed):
					return
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	<-enough
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if all := readAll(t, cfg, l, 0); len(all) != int(sent.Load()) {
		t.Errorf("%d were sent, the log has %d", sent.Load(), len(all))
	}
}
