package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
)

// fill appends n events of a room to a log of one partition.
func fill(t *testing.T, cfg eventlog.Config, l eventlog.Layout, n int) {
	t.Helper()
	if _, err := newPublisher(t, cfg, l).PublishBatch(testContext(t), messages("room", n)); err != nil {
		t.Fatal(err)
	}
}

func TestReadSeekResume(t *testing.T) { onBoth(t, testReadSeekResume) }

func testReadSeekResume(t *testing.T, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 1)
	fill(t, cfg, l, 30)
	ctx := testContext(t)
	r := newReader(t, cfg, l, 0)
	expect := func(first events.Offset, limit int) {
		t.Helper()
		records, err := r.Read(ctx, limit)
		if err != nil || len(records) == 0 || len(records) > limit || records[0].Offset != first {
			t.Fatalf("read %d from %d: %d records, %v", limit, first, len(records), err)
		}
		for i, rec := range records {
			if want := fmt.Sprintf(`{"n":%d}`, rec.Offset); rec.Offset != first+events.Offset(i) || string(rec.Value) != want {
				t.Errorf("offset %d holds %s", rec.Offset, rec.Value)
			}
		}
		if r.Next() != first+events.Offset(len(records)) {
			t.Errorf("next is %d", r.Next())
		}
	}
	expect(0, 7)
	expect(7, 7)
	r.Seek(3)
	expect(3, 1)
	expect(4, 100)
	r.Seek(29)
	expect(29, 10)

	short, cancel := context.WithTimeoutCause(ctx, 50*time.Millisecond, eventlog.ErrRevoked)
	defer cancel()
	if _, err := r.Read(short, 1); !errors.Is(err, eventlog.ErrRevoked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("read at the end: %v", err)
	}
	if _, err := newPublisher(t, cfg, l).Publish(ctx, event("room", 30)); err != nil {
		t.Fatal(err)
	}
	expect(30, 10)
	r.Close()
	r.Seek(5)
	expect(5, 2)
}

func TestOffsetOutOfRange(t *testing.T) { onBoth(t, testOffsetOutOfRange) }

func testOffsetOutOfRange(t *testing.T, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 1)
	fill(t, cfg, l, 10)
	ctx := testContext(t)
	adm := kadm.NewClient(rawClient(t, cfg))
	upTo := kadm.Offsets{}
	upTo.Add(kadm.Offset{Topic: l.Topic, At: 4})
	if _, err := adm.DeleteRecords(ctx, upTo); err != nil {
		t.Fatal(err)
	}
	r := newReader(t, cfg, l, 0)
	if start, end, err := r.Bounds(ctx); start != 4 || end != 10 || err != nil {
		t.Errorf("bounds %d, %d, %v", start, end, err)
	}
	for _, o := range []events.Offset{0, 3, 11, 1000} {
		r.Seek(o)
		if _, err := r.Read(ctx, 10); !errors.Is(err, eventlog.ErrOffsetOutOfRange) {
			t.Errorf("read at %d: %v", o, err)
		}
		if r.Next() != o {
			t.Errorf("the reader has moved from %d to %d", o, r.Next())
		}
		if _, _, err := r.At(ctx, o); !errors.Is(err, eventlog.ErrOffsetOutOfRange) {
			t.Errorf("at %d: %v", o, err)
		}
		if _, _, err := r.Before(ctx, o); !errors.Is(err, eventlog.ErrOffsetOutOfRange) {
			t.Errorf("before %d: %v", o, err)
		}
	}
	r.Seek(4)
	if records, err := r.Read(ctx, 1); err != nil || records[0].Offset != 4 {
		t.Errorf("read at 4: %v", err)
	}
	if _, ok, err := r.Before(ctx, 4); ok || err != nil {
		t.Errorf("before the first: %v, %v", ok, err)
	}
	if _, _, err := r.At(ctx, 10); !errors.Is(err, eventlog.ErrOffsetOutOfRange) {
		t.Errorf("at the end: %v", err)
	}
}

// TestLookupAcrossHoles has offsets that transactions take and no reader sees.
func TestLookupAcrossHoles(t *testing.T) { onBoth(t, testLookupAcrossHoles) }

func testLookupAcrossHoles(t *testing.T, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 1)
	ctx := testContext(t)
	cl := rawClient(t, cfg, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic(l.Topic))
	for i := range 3 { // records at 0, 2, 4; commit markers at 1, 3, 5
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(ctx, &kgo.Record{Value: fmt.Appendf(nil, "%d", i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
	r := newReader(t, cfg, l, 0)
	for o := range events.Offset(6) {
		rec, ok, err := r.At(ctx, o)
		if err != nil || ok != (o%2 == 0) || ok && (rec.Offset != o || string(rec.Value) != fmt.Sprint(o/2)) {
			t.Errorf("at %d: %+v, %v, %v", o, rec, ok, err)
		}
	}
	for o, want := range map[events.Offset]events.Offset{1: 0, 2: 0, 3: 2, 4: 2, 5: 4, 6: 4} {
		rec, ok, err := r.Before(ctx, o)
		if err != nil || !ok || rec.Offset != want {
			t.Errorf("before %d: %+v, %v, %v", o, rec, ok, err)
		}
	}
	if all, err := r.Read(ctx, 10); err != nil || all[0].Offset != 0 {
		t.Errorf("the lookups have moved the reader: %v, %v", all, err)
	}
}

func replaceTopic(t *testing.T, cfg eventlog.Config, l eventlog.Layout) eventlog.Layout {
	t.Helper()
	adm := kadm.NewClient(rawClient(t, cfg))
	ctx := testContext(t)
	if _, err := adm.DeleteTopic(ctx, l.Topic); err != nil {
		t.Fatal(err)
	}
	for { // until all brokers know
		_, err := eventlog.EnsureTopic(ctx, cfg, eventlog.TopicSpec{Name: l.Topic})
		if errors.Is(err, eventlog.ErrUnknownTopic) {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("the topic does not go: %v", err)
		}
	}
	return ensureEvents(t, cfg, l.Partitions)
}

func TestTopicReplaced(t *testing.T) { onBoth(t, testTopicReplaced) }

func testTopicReplaced(t *testing.T, cfg eventlog.Config) {
	old := ensureEvents(t, cfg, 1)
	fill(t, cfg, old, 5)
	ctx := testContext(t)
	reading := newReader(t, cfg, old, 0)
	if _, err := reading.Read(ctx, 10); err != nil {
		t.Fatal(err)
	}
	blocked := make(chan error, 1)
	go func() {
		_, err := reading.Read(ctx, 10)
		blocked <- err
	}()

	now := replaceTopic(t, cfg, old)
	if now.Log == old.Log {
		t.Fatal("the new topic has the old id")
	}
	fill(t, cfg, now, 20)

	if err := <-blocked; !errors.Is(err, eventlog.ErrTopicReplaced) {
		t.Errorf("a read that was under way: %v", err)
	}
	for what, o := range map[string]events.Offset{"within": 5, "beyond": 100} {
		r := newReader(t, cfg, old, 0)
		r.Seek(o)
		if _, err := r.Read(ctx, 10); !errors.Is(err, eventlog.ErrTopicReplaced) {
			t.Errorf("a read %s the new topic: %v", what, err)
		}
	}
	r := newReader(t, cfg, old, 0)
	if _, _, err := r.Bounds(ctx); !errors.Is(err, eventlog.ErrTopicReplaced) {
		t.Errorf("bounds: %v", err)
	}
	if _, _, err := r.Before(ctx, 5); !errors.Is(err, eventlog.ErrTopicReplaced) {
		t.Errorf("before: %v", err)
	}
	client, err := eventlog.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Ends(ctx, old); !errors.Is(err, eventlog.ErrTopicReplaced) {
		t.Errorf("ends: %v", err)
	}
	if ends, err := client.Ends(ctx, now); err != nil || len(ends) != 1 || ends[0] != 20 {
		t.Errorf("ends: %v, %v", ends, err)
	}
}

func TestReaderOutlivesTheBroker(t *testing.T) {
	dir := t.TempDir()
	b, cfg := startBroker(t, dir)
	l := ensureEvents(t, cfg, 1)
	fill(t, cfg, l, 3)
	ctx := testContext(t)
	r := newReader(t, cfg, l, 0)
	if _, err := r.Read(ctx, 10); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(ctx); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if _, err := r.Read(short, 10); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("read without a broker: %v", err)
	}
	again, err := embedded.Start(ctx, embedded.Config{Dir: dir, Listen: b.Info().Address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeBroker(t, again) })
	fill(t, cfg, l, 1)
	if records, err := r.Read(ctx, 10); err != nil || records[0].Offset != 3 {
		t.Errorf("read after the restart: %v, %v", records, err)
	}
}

// TestStuckPartition has one partition that the broker never answers for.
func TestStuckPartition(t *testing.T) {
	b, cfg := startBroker(t, "")
	l := ensureEvents(t, cfg, 2)
	p := newPublisher(t, cfg, l)
	free := make(chan struct{})
	defer close(free)
	b.Cluster().ControlKey(kmsg.Fetch.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster().KeepControl()
		for _, topic := range req.(*kmsg.FetchRequest).Topics {
			for _, part := range topic.Partitions {
				if part.Partition == 0 {
					b.Cluster().SleepControl(func() { <-free })
				}
			}
		}
		return nil, nil, false
	})
	ctx := testContext(t)
	have := map[events.Partition]bool{}
	for n := 0; len(have) < 2; n++ {
		pos, err := p.Publish(ctx, event(fmt.Sprint("room", n), n))
		if err != nil {
			t.Fatal(err)
		}
		have[pos.Partition] = true
	}
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	stuck := make(chan error, 1)
	go func() {
		_, err := newReader(t, cfg, l, 0).Read(short, 1)
		stuck <- err
	}()
	if _, err := newReader(t, cfg, l, 1).Read(ctx, 1); err != nil {
		t.Errorf("the other partition: %v", err)
	}
	if err := <-stuck; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the stuck partition: %v", err)
	}
}
