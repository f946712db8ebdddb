package timeline

import (
	"reflect"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Whatever stands in the topic: an error, or a commit that can be told again.
func FuzzDecode(f *testing.F) {
	for _, c := range []Commit{
		{},
		{Projection: 1, Epoch: 2, Partition: 3, Floor: 4, Next: 5, Decisions: 6},
		{Events: []readmodel.EventRow{{Key: readmodel.Key{Tenant: "main", Room: "lobby"}, Seq: 1, Facts: "{}", Content: "{}"}}},
		{Blocked: []Block{{Key: readmodel.Key{Tenant: "main", Room: "lobby"}, Partition: 1, Offset: 2}}},
	} {
		m, err := NewMessage(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(m.Payload))
	}
	f.Add([]byte(`null`))
	f.Add([]byte(`{"events":[null],"floor":1e3}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := Decode(message.NewMessage("", payload))
		if err != nil {
			if !reflect.DeepEqual(c, Commit{}) {
				t.Fatalf("%v, and %+v", err, c)
			}
			return
		}
		m, err := NewMessage(c)
		if err != nil {
			t.Fatal(err)
		}
		c.Events, c.Blocked = orNil(c.Events), orNil(c.Blocked)
		if again, err := Decode(m); err != nil || !reflect.DeepEqual(again, c) {
			t.Fatalf("%v\n got %+v\nwant %+v", err, again, c)
		}
	})
}

func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}
