package projector_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/driver"
	"github.com/roomlog/roomlog/services/projector"
)

var errInjected = errors.New("injected")

// TestOneHistoryOneDump folds one history from either broker into either store,
// by projectors that come and go, with batches of any size and errors at any
// statement: the four dumps are one, byte for byte. METAMORPHIC_SEED repeats a run
// that failed, but for the scheduler's choices.
func TestOneHistoryOneDump(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv("METAMORPHIC_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("figure: one history: METAMORPHIC_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 8))
	ours := newSite(t, pairs[0])
	history := roomtest.History(roomtest.Config{Records: 1500, Garbage: true, Parking: true}, seed)
	ours.produce(t, placed(rng, history))
	records := ours.records(t)
	if len(records) != len(history) {
		t.Fatalf("the log has %d of %d records", len(records), len(history))
	}
	kafkas := copySite(t, records)

	want := quietDump(t, ours)
	if len(want) < 100 {
		t.Fatalf("only %d rows, the history tests nothing", len(want))
	}
	for _, log := range []struct {
		name string
		site *site
	}{{"embedded", ours}, {"kafka", kafkas}} {
		for _, p := range pairs {
			t.Run(log.name+" into "+map[string]string{"embedded": "sqlite", "kafka": "postgres"}[p.name], func(t *testing.T) {
				s := *log.site
				s.database = p.database(t)
				store := s.open(t)
				s.foldRoughly(t, store, rng)
				sameDump(t, dump(t, store), want)
			})
		}
	}
}

// placed puts each record where its room belongs; what is no event, anywhere.
func placed(rng *rand.Rand, history []roomtest.Record) []eventlog.Record {
	out := make([]eventlog.Record, len(history))
	for i, r := range history {
		p := events.Partition(rng.IntN(partitions))
		if _, err := events.Decode(r.Message); err == nil {
			p = eventlog.PartitionOf(r.Message.Key, partitions)
		}
		out[i] = eventlog.Record{Partition: p, Time: r.LogTime, Message: r.Message}
	}
	return out
}

// produce appends records as they are. Whether their time counts is the topic's.
func (s *site) produce(t *testing.T, records []eventlog.Record) {
	t.Helper()
	cl := kafkaClient(t, s.cfg, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for _, r := range records {
		rec := &kgo.Record{Topic: s.layout.Topic, Partition: int32(r.Partition), Timestamp: r.Time, Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		cl.Produce(t.Context(), rec, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := cl.Flush(t.Context()); err != nil || t.Failed() {
		t.Fatalf("produce: %v", err)
	}
}

func kafkaClient(t *testing.T, cfg eventlog.Config, opts ...kgo.Opt) *kgo.Client {
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

// records reads the whole log, with the times that it gave.
func (s *site) records(t *testing.T) (all []eventlog.Record) {
	t.Helper()
	ends, err := s.client.Ends(t.Context(), s.layout)
	if err != nil {
		t.Fatal(err)
	}
	for p, end := range ends {
		r := eventlog.NewReader(s.cfg, s.layout, events.Partition(p))
		for r.Next() < end {
			records, err := r.Read(t.Context(), 1000)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, records...)
		}
		r.Close()
	}
	return all
}

// copySite is another broker's log with the same records in the same partitions,
// at the same times: those are the producer's there, since they have been given.
func copySite(t *testing.T, records []eventlog.Record) *site {
	t.Helper()
	s := &site{cfg: kafkaLog(t)}
	s.cfg.SessionTimeout = 6 * time.Second
	byProducer := "CreateTime"
	made, err := kadm.NewClient(kafkaClient(t, s.cfg)).CreateTopic(t.Context(), partitions, 1,
		map[string]*string{"message.timestamp.type": &byProducer}, s.cfg.Topic)
	if err = errors.Join(err, made.Err); err != nil {
		t.Fatal(err)
	}
	if s.client, err = eventlog.NewClient(s.cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.Close)
	for deadline := time.Now().Add(time.Minute); ; <-time.After(20 * time.Millisecond) {
		if s.layout, err = s.client.Layout(t.Context(), s.cfg.Topic, 1); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	s.produce(t, records)
	return s
}

// foldRoughly lets projectors come and go until all is folded.
func (s *site) foldRoughly(t *testing.T, store readmodel.Store, rng *rand.Rand) {
	t.Helper()
	group := clustertest.Topic("group")
	f := faults{rng: rand.New(rand.NewPCG(rng.Uint64(), 9)), left: 25}
	open := func(ctx context.Context, version, conns int) (readmodel.Store, error) {
		return driver.Open(ctx, driver.Config{
			Address: s.database, Version: version, Existing: true, MaxConns: conns,
			Fault: f.ask,
		})
	}
	ends, err := s.client.Ends(t.Context(), s.layout)
	if err != nil {
		t.Fatal(err)
	}
	var total events.Offset
	for _, end := range ends {
		total += end
	}
	for i := range events.Offset(3) {
		var stops []func()
		for range 1 + rng.IntN(3) {
			_, stop := s.startOn(t, projector.Config{Group: group, MaxBatch: batchSize(rng), RoomCache: 1 + rng.IntN(6)}, open)
			stops = append(stops, stop)
		}
		s.foldedUpTo(t, store, (i+1)*total/4)
		rng.Shuffle(len(stops), func(i, j int) { stops[i], stops[j] = stops[j], stops[i] })
		for _, stop := range stops {
			stop()
		}
	}
	f.calm()
	_, stop := s.start(t, projector.Config{Group: group, MaxBatch: batchSize(rng)})
	s.folded(t, store)
	stop()
}

// faults lets some statements fail, of all projectors together.
type faults struct {
	mu   sync.Mutex
	rng  *rand.Rand
	left int
}

func (f *faults) ask(statement string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	one := 40
	if statement == "committed" { // the worst: it has happened, and nobody was told
		one = 4
	}
	if f.left > 0 && f.rng.IntN(one) == 0 {
		f.left--
		return errInjected
	}
	return nil
}

func (f *faults) calm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = 0
}

// batchSize is between 1 and 2,000, any order of magnitude as likely as another.
func batchSize(rng *rand.Rand) int {
	return 1 + rng.IntN([]int{1, 10, 100, 2000}[rng.IntN(4)])
}

// foldedUpTo waits until so many offsets are folded.
func (s *site) foldedUpTo(t *testing.T, store readmodel.Store, want events.Offset) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; <-time.After(5 * time.Millisecond) {
		var got events.Offset
		for p := range events.Partition(partitions) {
			got += checkpoint(t, store, p).Next
		}
		if got >= want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d are folded", got, want)
		}
	}
}

// quietDump is what one projector makes of the log that meets nothing.
func quietDump(t *testing.T, s *site) []readmodel.DumpRow {
	t.Helper()
	quiet := *s
	quiet.database = t.TempDir()
	store := quiet.open(t)
	_, stop := quiet.start(t, projector.Config{Group: clustertest.Topic("quiet")})
	quiet.folded(t, store)
	stop()
	return dump(t, store)
}

func dump(t *testing.T, store readmodel.Store) (all []readmodel.DumpRow) {
	t.Helper()
	err := store.Snapshot(t.Context(), func(r readmodel.Reader) error {
		return r.Dump(t.Context(), func(row readmodel.DumpRow) error { all = append(all, row); return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func sameDump(t *testing.T, got, want []readmodel.DumpRow) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("row %d is\n%+v\nnot\n%+v", i, got[i], want[i])
		}
	}
	t.Fatalf("%d rows, should be %d", len(got), len(want))
}
