package timeline_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
)

// A commit says the same whether it is written down or carried.
func TestCommitComesThrough(t *testing.T) {
	key := readmodel.Key{Tenant: "main", Room: "lobby"}
	want := timeline.Commit{
		Projection: 1, Epoch: 2, Partition: 3, Floor: 4, Next: 6, Decisions: 1,
		Events: []readmodel.EventRow{{
			Key: key, Seq: 1, ID: "e", Type: events.TypeMessagePosted, Version: 1, Sender: "alice", SentAt: 5, LogTime: 6, Partition: 3, Offset: 4,
			Facts: `{"sender":"alice"}`, Content: `{"text":"hi"}`,
		}},
		Blocked: []timeline.Block{{Key: key, Partition: 3, Offset: 5}},
	}
	for name, encode := range map[string]func(timeline.Commit) (*message.Message, error){
		"written": timeline.NewMessage, "carried": timeline.Carry,
	} {
		t.Run(name, func(t *testing.T) {
			bus := gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: 1, PreserveContext: true}, watermill.NopLogger{})
			defer bus.Close() //nolint:errcheck // a channel
			told, err := bus.Subscribe(t.Context(), "timeline")
			if err != nil {
				t.Fatal(err)
			}
			m, err := encode(want)
			if err != nil {
				t.Fatal(err)
			}
			if err := bus.Publish("timeline", m); err != nil {
				t.Fatal(err)
			}
			got := <-told
			got.Ack()
			if timeline.Key("", got) != "3" {
				t.Errorf("the key is %q", timeline.Key("", got))
			}
			if c, err := timeline.Decode(got); err != nil || !reflect.DeepEqual(c, want) {
				t.Errorf("%+v, %v; want %+v", c, err, want)
			}
		})
	}
}

func BenchmarkCommit(b *testing.B) {
	c := timeline.Commit{Events: make([]readmodel.EventRow, 100)}
	for i := range c.Events {
		c.Events[i] = readmodel.EventRow{
			Key: readmodel.Key{Tenant: "main", Room: "lobby"}, ID: "01a0c1a4-6a1c-7000-8000-000000000000", Type: events.TypeMessagePosted,
			Sender: "alice", Facts: `{"sender":"alice","kind":"text","text_bytes":200}`, Content: `{"text":"` + strings.Repeat("x", 200) + `"}`,
		}
	}
	for name, encode := range map[string]func(timeline.Commit) (*message.Message, error){
		"written": timeline.NewMessage, "carried": timeline.Carry,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				m, err := encode(c)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := timeline.Decode(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
