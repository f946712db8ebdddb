package ephemeral

import (
	"reflect"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/pkg/topics/topicstest"
)

func TestWhatIsToldIsDescribed(t *testing.T) {
	d := topicstest.Read(t)
	d.CheckFields(t, "/components/schemas/Told", reflect.TypeFor[told]())
	for _, what := range []told{
		{Replica: "r1", Tenant: "main", Typing: &Typing{Room: "lobby", User: "alice", Typing: true}},
		{Replica: "r1", Tenant: "main", Change: &change{User: "alice", Online: true, Rooms: []events.RoomID{"lobby"}}},
		{Replica: "r1", Here: []string{"main/alice"}},
	} {
		told, err := newMessage(what, "main/lobby")
		if err != nil {
			t.Fatal(err)
		}
		m := events.Message{
			Key: []byte(timeline.Key("", told)), Value: told.Payload,
			Headers: []events.Header{{Key: "_watermill_message_uuid", Value: []byte(told.UUID)}},
		}
		for name, value := range told.Metadata {
			m.Headers = append(m.Headers, events.Header{Key: name, Value: []byte(value)})
		}
		if err := d.Check(timeline.EphemeralTopic, m); err != nil {
			t.Error(err)
		}
		m.Value = []byte(`{}`)
		if err := d.Check(timeline.EphemeralTopic, m); err == nil {
			t.Error("any value will do")
		}
	}
}
