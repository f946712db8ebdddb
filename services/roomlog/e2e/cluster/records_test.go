package cluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
)

// badRecords puts what is no event into every partition: each such record is
// counted, and no room of its partition waits.
func (d *deployment) badRecords(t *testing.T) {
	before, _, _ := d.setAside(t)
	var records []*kgo.Record
	d.underLoad(t, func() {
		good := encoded(t, d.people.Rooms()[0], "load-owner")
		for p := range int32(partitions) {
			for _, r := range bad(good) {
				r.Topic, r.Partition = eventlog.EventsTopic(1), p
				records = append(records, r)
			}
		}
		d.produce(t, records)
	})
	var after int64
	until(t, "the bad records are counted", func() bool {
		after, _, _ = d.setAside(t)
		return after-before >= int64(len(records))
	})
	if after-before != int64(len(records)) {
		t.Errorf("%d records were set aside, %d are bad", after-before, len(records))
	}
	if _, dead, blocked := d.setAside(t); dead != 0 || blocked != 0 {
		t.Errorf("%d dead letters, %d blocked rooms", dead, blocked)
	}
	t.Logf("figure: bad records: %d of %d kinds in %d partitions, all counted, no partition stopped", len(records), len(bad(kgo.Record{})), partitions)
}

// bad makes records that are no events out of one that is.
func bad(good kgo.Record) map[string]*kgo.Record {
	without := func(name string) []kgo.RecordHeader {
		return slices.DeleteFunc(slices.Clone(good.Headers), func(h kgo.RecordHeader) bool { return h.Key == name })
	}
	return map[string]*kgo.Record{
		"garbage":              {Key: []byte{0, 0xff}, Value: []byte("\x00\x01garbage\xfe")},
		"nothing at all":       {},
		"a tombstone":          {Key: good.Key, Headers: good.Headers},
		"no type":              {Key: good.Key, Value: good.Value, Headers: without(events.HeaderType)},
		"no id":                {Key: good.Key, Value: good.Value, Headers: without(events.HeaderID)},
		"no key":               {Value: good.Value, Headers: good.Headers},
		"another room's key":   {Key: []byte("main/elsewhere"), Value: good.Value, Headers: good.Headers},
		"a truncated value":    {Key: good.Key, Value: good.Value[:len(good.Value)/2], Headers: good.Headers},
		"JSON of another kind": {Key: good.Key, Value: []byte(`[]`), Headers: good.Headers},
	}
}

// encoded is a good message as a record.
func encoded(t *testing.T, room events.RoomID, user events.UserID) kgo.Record {
	t.Helper()
	m, err := events.Encode(&events.Event{
		ID: events.IdempotentID("main", room, user, fmt.Sprint("produced-", time.Now().UnixNano())), Type: events.TypeMessagePosted, Tenant: "main", Room: room,
		Time:    time.Now(),
		Facts:   events.MessagePosted{Command: events.Command{Sender: user}, Kind: "text", TextBytes: 8},
		Content: json.RawMessage(`{"text":"produced"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := kgo.Record{Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return r
}

// produce appends records to the partitions that they name.
func (d *deployment) produce(t *testing.T, records []*kgo.Record) {
	t.Helper()
	producer, err := kgo.NewClient(kgo.SeedBrokers(d.servers.Brokers()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// besideBlock is how many messages are sent beside a blocked room.
const besideBlock = 30

// newerEvent appends an event of a version that this program does not know: its
// room waits, and no other one of the partition does.
func (d *deployment) newerEvent(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const user, room = "newcomer", events.RoomID("future")
	partition := eventlog.PartitionOf(events.Key("main", room), partitions)
	neighbour := room
	for i := 0; neighbour == room; i++ {
		if other := events.RoomID(fmt.Sprintf("present-%d", i)); eventlog.PartitionOf(events.Key("main", other), partitions) == partition {
			neighbour = other
		}
	}
	one := client.New(d.urls[0], d.token(t, user))
	defer one.Close()
	two := one.At(d.urls[1])
	wait := client.Command{Wait: 10 * time.Second}
	for _, r := range []events.RoomID{room, neighbour} {
		if _, err := one.PutRoom(ctx, r, client.NewRoom{Kind: events.RoomPublic}, wait); err != nil {
			t.Fatal(err)
		}
		if ack, err := one.Post(ctx, r, client.NewMessage{Text: "before"}, wait); err != nil || ack.Status != 201 {
			t.Fatalf("a message to %s: %+v, %v", r, ack, err)
		}
	}
	past := one.Position()
	_, deadBefore, blockedBefore := d.setAside(t)

	newer := encoded(t, room, user)
	for i, h := range newer.Headers {
		if h.Key == events.HeaderType {
			newer.Headers[i].Value = []byte("message.posted.v9")
		}
	}
	newer.Topic, newer.Partition = eventlog.EventsTopic(1), int32(partition)
	d.produce(t, []*kgo.Record{&newer})

	// Sends to the room are still taken.
	ack, err := one.Post(ctx, room, client.NewMessage{Text: "behind"}, client.Command{})
	if err != nil || ack.Status != 202 || !ack.Known() {
		t.Fatalf("a message to the blocked room: %+v, %v", ack, err)
	}
	behind := one.Position()
	if _, err := two.Room(ctx, room); client.StatusOf(err) != 503 || client.CodeOf(err) != "room_blocked" {
		t.Errorf("a read past the block: %v", err)
	}
	one.SetPosition(past)
	if page, err := two.Messages(ctx, room, nil); err != nil || len(page.Items) != 1 || page.Items[0].Text != "before" {
		t.Errorf("a read before the block: %+v, %v", page, err)
	}
	// Another room of the partition goes on, for those too who have written behind the block.
	one.SetPosition(behind)
	var slowest time.Duration
	for i := range besideBlock {
		began := time.Now()
		if ack, err := one.Post(ctx, neighbour, client.NewMessage{Text: fmt.Sprint("beside ", i)}, wait); err != nil || ack.Status != 201 {
			t.Fatalf("a message to another room of the partition: %+v, %v", ack, err)
		}
		slowest = max(slowest, time.Since(began))
	}
	t.Logf("figure: a blocked room: of %d messages to another room of its partition the slowest was sent and folded in %s",
		besideBlock, slowest.Round(time.Millisecond))
	if page, err := two.Messages(ctx, neighbour, nil); err != nil || len(page.Items) != besideBlock+1 {
		t.Errorf("another room of the partition: %d messages, %v", len(page.Items), err)
	}
	d.showsBlocked(t, room, deadBefore+2, blockedBefore+1)
	d.check(t)
}

func (d *deployment) showsBlocked(t *testing.T, room events.RoomID, dead, blocked int64) {
	t.Helper()
	s := d.status(t)
	var gotDead, gotBlocked int64
	for _, p := range s.Partitions {
		gotDead, gotBlocked = gotDead+p.DeadLetters, gotBlocked+p.BlockedRooms
	}
	if gotDead != dead || gotBlocked != blocked {
		t.Errorf("%d dead letters and %d blocked rooms, should be %d and %d", gotDead, gotBlocked, dead, blocked)
	}
	for _, b := range s.Blocked {
		if b.Room == room && b.Type == "message.posted.v9" && b.Code == "unknown_type" {
			return
		}
	}
	t.Errorf("the blocked room is not shown: %+v", s.Blocked)
}
