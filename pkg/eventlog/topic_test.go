package eventlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/roomlog/roomlog/pkg/eventlog"
)

func TestEnsureTopic(t *testing.T) {
	_, cfg := startBroker(t, "")
	ctx := testContext(t)
	ensure := func(spec eventlog.TopicSpec) (eventlog.Layout, error) { return eventlog.EnsureTopic(ctx, cfg, spec) }
	spec := eventlog.TopicSpec{Name: "log", Epoch: 3, Partitions: 4}

	if _, err := ensure(eventlog.TopicSpec{Name: "log"}); !errors.Is(err, eventlog.ErrUnknownTopic) {
		t.Errorf("a topic that is not there: %v", err)
	}
	first, err := ensure(spec)
	if err != nil || first.Partitions != 4 || first.Epoch != 3 || first.Topic != "log" || first.Log == [16]byte{} {
		t.Fatalf("new: %+v, %v", first, err)
	}
	for _, n := range []int{4, 0} {
		spec.Partitions = n
		if again, err := ensure(spec); err != nil || again != first {
			t.Errorf("again with %d: %+v, %v", n, again, err)
		}
	}
	for _, n := range []int{3, 5, -1, 91} {
		spec.Partitions = n
		if _, err := ensure(spec); !errors.Is(err, eventlog.ErrPartitionCount) {
			t.Errorf("again with %d: %v", n, err)
		}
	}
	if _, err := ensure(eventlog.TopicSpec{Name: "wide", Partitions: 91}); !errors.Is(err, eventlog.ErrPartitionCount) {
		t.Errorf("91 partitions: %v", err)
	}

	timeline := eventlog.TopicSpec{Name: "timeline", Partitions: 1, Retention: time.Hour, SegmentBytes: 1 << 20}
	if _, err := ensure(timeline); err != nil {
		t.Error(err)
	}
	timeline.Retention = 2 * time.Hour // not a reason to refuse
	if _, err := ensure(timeline); err != nil {
		t.Error(err)
	}
	timeline.Retention = 0 // but records would be lost here
	if _, err := ensure(timeline); !errors.Is(err, eventlog.ErrTopicSettings) {
		t.Errorf("a log on a topic with retention: %v", err)
	}
	adm := kadm.NewClient(rawClient(t, cfg))
	if _, err := adm.CreateTopic(ctx, 1, 1, nil, "byhand"); err != nil {
		t.Fatal(err)
	}
	if _, err := ensure(eventlog.TopicSpec{Name: "byhand", Retention: time.Hour}); !errors.Is(err, eventlog.ErrTopicSettings) {
		t.Errorf("a topic with the clients' times: %v", err)
	}
}

// TestTopicDeletedWhileEnsured deletes the topic between the look at its
// partitions and the look at its settings.
func TestTopicDeletedWhileEnsured(t *testing.T) {
	b, cfg := startBroker(t, "")
	l := ensureEvents(t, cfg, 1)
	var deleted sync.Once
	b.Cluster().ControlKey(kmsg.DescribeConfigs.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		deleted.Do(func() {
			if err := b.Cluster().DeleteTopic(l.Topic); err != nil {
				t.Error(err)
			}
		})
		return nil, nil, false
	})
	_, err := eventlog.EnsureTopic(testContext(t), cfg, eventlog.TopicSpec{Name: l.Topic})
	if !errors.Is(err, eventlog.ErrUnknownTopic) {
		t.Errorf("the topic was deleted: %v", err)
	}
}

func TestEnds(t *testing.T) { onBoth(t, testEnds) }

func testEnds(t *testing.T, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 5)
	ctx := testContext(t)
	p := newPublisher(t, cfg, l)
	want := make([]int, 5)
	for n := range 30 {
		pos, err := p.Publish(ctx, event(fmt.Sprint("room", n), n))
		if err != nil {
			t.Fatal(err)
		}
		want[pos.Partition]++
	}
	client, err := eventlog.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ends, err := client.Ends(ctx, l)
	if err != nil || fmt.Sprint(ends) != fmt.Sprint(want) {
		t.Errorf("ends %v, want %v, %v", ends, want, err)
	}
}

func TestConfigHidesThePassword(t *testing.T) {
	cfg := eventlog.Config{Brokers: []string{"b:1"}, Username: "u", Password: "secret"}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("config", "config", cfg)
	fmt.Fprintf(&out, "%v %+v %#v %s", cfg, cfg, cfg, cfg)
	fmt.Fprintf(&out, "%v %+v %#v", &cfg, &cfg, &cfg)
	if strings.Contains(out.String(), "secret") || !strings.Contains(out.String(), "b:1") {
		t.Error(out.String())
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]eventlog.Config{
		"no brokers":      {},
		"empty broker":    {Brokers: []string{"a:1", " "}},
		"revoke too long": {Brokers: []string{"a:1"}, RevokeTimeout: time.Minute, RebalanceTimeout: time.Second},
	} {
		if c, err := eventlog.NewClient(cfg); err == nil {
			c.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}
