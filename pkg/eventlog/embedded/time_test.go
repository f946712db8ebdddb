package embedded_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
)

// TestAppendTime lets clients lie about the time, in one batch, with every
// compression.
func TestAppendTime(t *testing.T) {
	dir := t.TempDir()
	b := start(t, embedded.Config{Dir: dir})
	cfg := configOf(b.Info())
	l := ensure(t, cfg, 1)
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	before := time.Now().Truncate(time.Millisecond)
	want := map[string]bool{}
	for name, codec := range codecs {
		cl, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...), kgo.ProducerBatchCompression(codec),
			kgo.SASL(plain.Auth{User: cfg.Username, Pass: cfg.Password}.AsMechanism()), kgo.ProducerLinger(50*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		var records []*kgo.Record
		for i := range 40 {
			id := fmt.Sprintf("%s-%d", name, i)
			want[id] = true
			records = append(records, &kgo.Record{
				Topic: l.Topic, Key: []byte("main/room"), Value: []byte("value of " + id),
				Headers:   []kgo.RecordHeader{{Key: events.HeaderID, Value: []byte(id)}},
				Timestamp: time.UnixMilli(int64(i) * 86_400_000 * 365), // from 1970 on, year by year
			})
		}
		err = cl.ProduceSync(testContext(t), records...).FirstErr()
		cl.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func(after time.Time) {
		t.Helper()
		last := before
		records := read(t, cfg, l, 0)
		for _, r := range records {
			id := r.Header(events.HeaderID)
			if !want[id] || string(r.Value) != "value of "+id || string(r.Key) != "main/room" {
				t.Errorf("offset %d holds %q: %q", r.Offset, id, r.Value)
			}
			if r.Time.Before(last) || r.Time.After(after) {
				t.Errorf("%s has the time %s, not one from %s to %s", id, r.Time, last, after)
			}
			last = r.Time
		}
		if len(records) != len(want) {
			t.Errorf("%d records, want %d", len(records), len(want))
		}
	}
	after := time.Now()
	check(after)
	stop(t, b)
	start(t, embedded.Config{Dir: dir}) // which checks the checksums
	check(after)
}

// TestManyRequests goes on for longer than one control function lives.
func TestManyRequests(t *testing.T) {
	b := start(t, embedded.Config{})
	cfg := configOf(b.Info())
	l := ensure(t, cfg, 1)
	publish(t, cfg, l, "room", 2500)
	records := read(t, cfg, l, 0)
	if len(records) != 2500 {
		t.Fatalf("%d records", len(records))
	}
	stamped := map[int64]int{}
	for _, r := range records {
		stamped[r.Time.UnixMilli()%1000]++
	}
	if len(stamped) < 10 { // the client's own times are whole seconds
		t.Errorf("only %d different milliseconds: the broker does not stamp", len(stamped))
	}
}
