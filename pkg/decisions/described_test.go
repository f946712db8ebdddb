package decisions

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/topics/topicstest"
)

func TestDecisionsAreDescribed(t *testing.T) {
	d := topicstest.Read(t)
	d.CheckFields(t, "/components/schemas/Decision", reflect.TypeFor[body]())
	common := Decision{
		ID: "d1", Time: time.Date(2026, 1, 2, 15, 4, 5, 6_000_000, time.UTC), By: "olga@host", Reason: "poison",
		Log: events.LogID{1}, Partition: 3, Tenant: "main", Room: "lobby",
	}
	released, discarded, gap := common, common, common
	released.Type = RoomReleased
	discarded.Type, discarded.Event, discarded.At, discarded.Sender, discarded.Digest, discarded.Seen = EventDiscarded, "e", 7, "alice", "x", 2
	gap.Type, gap.Next, gap.Resume, gap.From = GapAccepted, 9, 4, events.LogID{2}
	var types []string
	for _, decision := range []Decision{discarded, gap, released} {
		types = append(types, string(decision.Type))
		m, err := Encode(decision)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Check(DefaultTopic, m); err != nil {
			t.Errorf("%s: %v", decision.Type, err)
		}
		m.Value = []byte(`{"by":"olga@host","partition":3}`)
		if err := d.Check(DefaultTopic, m); err == nil {
			t.Errorf("%s: any value will do", decision.Type)
		}
	}
	if got := d.Messages(DefaultTopic); !slices.Equal(got, types) {
		t.Errorf("described are %q, there are %q", got, types)
	}
}
