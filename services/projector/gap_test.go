package projector_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/roomlog/roomlog/pkg/admin"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/projector"
)

// TestGaps damages a log that was folded: the status says of each partition what
// has happened and what to type, the projector stops there and is not ready, and
// when the gap is accepted it goes on.
func TestGaps(t *testing.T) {
	onDisk := &disk{}
	stored := pair{"embedded", onDisk.log, func(t *testing.T) string { return t.TempDir() }}
	for _, test := range []struct {
		name   string
		pair   pair
		damage func(*testing.T, *site)
		says   string
	}{
		{"beginning deleted", pairs[0], deleteAll, "are gone: the log begins at"},
		{"beginning deleted, kafka", pairs[1], deleteAll, "are gone: the log begins at"},
		{"end lost", stored, onDisk.cut, "was folded, but the log ends at"},
		{"end lost and grown again", stored, func(t *testing.T, s *site) {
			onDisk.cut(t, s)
			s.publish(t, 99, 900)
		}, "folded was"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, test.pair)
			store := s.open(t)
			s.publish(t, 1, 400)
			_, stop := s.start(t, projector.Config{})
			s.folded(t, store)
			stop()
			test.damage(t, s)

			st := s.status(t)
			var stopped []events.Partition
			for _, p := range st.Partitions {
				if p.Gap == "" {
					continue
				}
				stopped = append(stopped, p.Partition)
				if !strings.Contains(p.Gap, test.says) || !strings.Contains(p.Advice, "roomlog projector accept-gap --partition") {
					t.Errorf("status of partition %d: %s; %s", p.Partition, p.Gap, p.Advice)
				}
			}
			if len(stopped) == 0 || len(st.Versions[0].Stopped) != len(stopped) {
				t.Fatalf("the status does not show the gap: %+v", st)
			}
			service, stop := s.start(t, projector.Config{})
			defer stop()
			red := func() bool {
				report := admin.Run(t.Context(), service.Checks()...)
				return !report.Ready && strings.Contains(report.Checks["partitions"].Error, test.says)
			}
			for deadline := time.Now().Add(time.Minute); !red(); <-time.After(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("readiness: %+v", admin.Run(t.Context(), service.Checks()...))
				}
			}
			d := s.desk(store)
			for _, p := range stopped {
				g, err := d.Gap(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				pending, err := d.AcceptGap(t.Context(), "it is so", g)
				await(t, d, pending, err)
			}
			s.folded(t, store)
			if st := s.status(t); len(st.Versions[0].Stopped) > 0 {
				t.Errorf("stopped still: %v", st.Versions[0].Stopped)
			}
		})
	}
}

// deleteAll deletes what was folded, and more, as a retention does.
func deleteAll(t *testing.T, s *site) {
	s.publish(t, 2, 400)
	options := []kgo.Opt{kgo.SeedBrokers(s.cfg.Brokers...)}
	if s.cfg.Username != "" {
		options = append(options, kgo.SASL(plain.Auth{User: s.cfg.Username, Pass: s.cfg.Password}.AsMechanism()))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ends, err := s.client.Ends(t.Context(), s.layout)
	if err != nil {
		t.Fatal(err)
	}
	upTo := kadm.Offsets{}
	for p, end := range ends {
		upTo.AddOffset(s.layout.Topic, int32(p), int64(end), -1)
	}
	if _, err := kadm.NewClient(client).DeleteRecords(t.Context(), upTo); err != nil {
		t.Fatal(err)
	}
}

// disk is a broker in a directory, whose files can be damaged.
type disk struct {
	dir    string
	broker *embedded.Broker
}

func (d *disk) log(t *testing.T) eventlog.Config {
	d.dir = t.TempDir()
	d.start(t)
	return eventlog.Config{Brokers: d.broker.Brokers(), Username: d.broker.Username(), Password: d.broker.Password()}
}

// start starts the broker; the next time it has the same address.
func (d *disk) start(t *testing.T) {
	t.Helper()
	b, err := embedded.Start(t.Context(), embedded.Config{Dir: d.dir})
	if err != nil {
		t.Fatal(err)
	}
	d.broker = b
	t.Cleanup(func() { _ = b.Close(context.Background()) })
}

// cut takes half of each partition away, in the middle of a record, as a loss of
// power can take what was not synced.
func (d *disk) cut(t *testing.T, s *site) {
	t.Helper()
	if err := d.broker.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(d.dir, "log", "partitions", s.layout.Topic+"*", "*.dat"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("segments: %v, %v", segments, err)
	}
	for _, segment := range segments {
		info, err := os.Stat(segment)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(segment, info.Size()/2); err != nil {
			t.Fatal(err)
		}
	}
	d.start(t)
}
