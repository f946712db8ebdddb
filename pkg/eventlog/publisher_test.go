package eventlog_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

// published maps positions to what was published there.
type published map[events.Position]events.Message

// checkLog reads the whole log and compares it with what was published.
func checkLog(t *testing.T, cfg eventlog.Config, l eventlog.Layout, want published) {
	t.Helper()
	got := published{}
	for p := range events.Partition(l.Partitions) {
		for _, rec := range readAll(t, cfg, l, p) {
			got[l.Position(rec.Partition, rec.Offset)] = rec.Message
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the log has %d records, %d were published, or they differ", len(got), len(want))
	}
}

func readAll(t *testing.T, cfg eventlog.Config, l eventlog.Layout, p events.Partition) []eventlog.Record {
	t.Helper()
	ctx := testContext(t)
	r := newReader(t, cfg, l, p)
	start, end, err := r.Bounds(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r.Seek(start)
	var all []eventlog.Record
	for r.Next() < end {
		records, err := r.Read(ctx, 100)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, records...)
	}
	return all
}

func TestPublishSaysWhereEventsStand(t *testing.T) { onAll(t, testPublishSaysWhereEventsStand) }

func testPublishSaysWhereEventsStand(t *testing.T, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 4)
	p := newPublisher(t, cfg, l)
	ctx := testContext(t)

	checkLog(t, cfg, l, publishAtOnce(t, 20, 25, func() publish {
		last := events.Offset(-1)
		return func(m events.Message) (events.Position, error) {
			pos, err := p.Publish(ctx, m)
			if err != nil {
				return pos, err
			}
			if pos.Partition != eventlog.PartitionOf(m.Key, 4) || pos.Log != l.Log || pos.Epoch != 1 {
				t.Errorf("%s stands at %+v", m.Key, pos)
			}
			if pos.Offset <= last {
				t.Errorf("%s: offset %d after %d", m.Key, pos.Offset, last)
			}
			last = pos.Offset
			return pos, nil
		}
	}))
}

type publish func(m events.Message) (events.Position, error)

// publishAtOnce publishes so many events of each room, by a publish of its own, in all rooms
// at the same time.
func publishAtOnce(t *testing.T, rooms, each int, newPublish func() publish) published {
	t.Helper()
	all := published{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range rooms {
		wg.Go(func() {
			publish := newPublish()
			for n := range each {
				m := event(fmt.Sprintf("room%d", i), n)
				pos, err := publish(m)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				all[pos] = m
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return all
}

func TestPublishBatch(t *testing.T) { onAll(t, testPublishBatch) }

func testPublishBatch(t *testing.T, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 3)
	p := newPublisher(t, cfg, l)

	const n = 2500
	ms := make([]events.Message, n)
	for i := range ms {
		ms[i] = event(fmt.Sprintf("room%d", i%5), i)
	}
	positions, err := p.PublishBatch(testContext(t), ms)
	if err != nil || len(positions) != n {
		t.Fatalf("%d positions, %v", len(positions), err)
	}
	want := published{}
	last := map[events.Partition]events.Offset{}
	for i, pos := range positions {
		want[pos] = ms[i]
		if before, ok := last[pos.Partition]; ok && pos.Offset <= before {
			t.Fatalf("event %d stands at %d, behind an earlier one at %d", i, pos.Offset, before)
		}
		last[pos.Partition] = pos.Offset
	}
	checkLog(t, cfg, l, want)
}

func TestPublishedIsTheCallersAgain(t *testing.T) { onAll(t, testPublishedIsTheCallersAgain) }

// What was published is not looked at any more: the next event may have its memory.
func testPublishedIsTheCallersAgain(t *testing.T, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 2)
	p := newPublisher(t, cfg, l)
	ctx := testContext(t)
	checkLog(t, cfg, l, publishAtOnce(t, 8, 100, func() publish {
		var memory events.Message
		return func(m events.Message) (events.Position, error) {
			memory.Key = append(memory.Key[:0], m.Key...)
			memory.Value = append(memory.Value[:0], m.Value...)
			memory.Headers = append(memory.Headers[:0], m.Headers...)
			return p.Publish(ctx, memory)
		}
	}))
}

func messages(room string, n int) []events.Message {
	ms := make([]events.Message, n)
	for i := range ms {
		ms[i] = event(room, i)
	}
	return ms
}

func TestPublishMoreThanABatchHolds(t *testing.T) { onAll(t, testPublishMoreThanABatchHolds) }

// Records of more than one batch can take together keep their order.
func testPublishMoreThanABatchHolds(t *testing.T, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 2)
	p := newPublisher(t, cfg, l)
	ms := messages("room", 60)
	for i := range ms {
		ms[i].Value = bytes.Repeat([]byte{byte(i)}, 60<<10)
	}
	positions, err := p.PublishBatch(testContext(t), ms)
	if err != nil {
		t.Fatal(err)
	}
	want := published{}
	for i, pos := range positions {
		if pos.Offset != events.Offset(i) {
			t.Errorf("event %d stands at %d", i, pos.Offset)
		}
		want[pos] = ms[i]
	}
	checkLog(t, cfg, l, want)
}

func TestPublishKeepsEachByte(t *testing.T) { onAll(t, testPublishKeepsEachByte) }

func testPublishKeepsEachByte(t *testing.T, cfg eventlog.Config) {
	l := ensureEvents(t, cfg, 1)
	p := newPublisher(t, cfg, l)
	want := published{}
	for _, m := range []events.Message{
		{Key: []byte("k")},
		{Key: []byte{0}, Value: []byte{}},
		{Key: []byte("k"), Value: []byte{0, 0xff}, Headers: []events.Header{{Key: "b", Value: nil}, {Key: "a", Value: []byte{}}, {Key: "a", Value: []byte("\r\n")}}},
		{Key: bytes.Repeat([]byte("k"), 200), Value: bytes.Repeat([]byte("v"), 70_000), Headers: slices.Repeat([]events.Header{{Key: "many"}}, 20)},
	} {
		pos, err := p.Publish(testContext(t), m)
		if err != nil {
			t.Fatal(err)
		}
		want[pos] = m
	}
	checkLog(t, cfg, l, want)
}
