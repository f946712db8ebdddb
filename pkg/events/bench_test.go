package events_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
)

// A message of 200 bytes with a key of the client's.
func typical() events.Event {
	e := hello()
	e.ID = events.IdempotentID("main", "lobby", "alice", "k")
	e.Expires = e.Time.Add(30e9)
	e.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	e.Facts = events.MessagePosted{
		Command: events.Command{Sender: "alice", Digest: "n4bQgYhMfWWaL-qgxVrQFg"}, Kind: "text", TextBytes: 200,
	}
	e.Content = json.RawMessage(`{"text":"` + strings.Repeat("0123456789", 20) + `","client_msg_id":"m-1"}`)
	return e
}

func BenchmarkEncode(b *testing.B) {
	e := typical()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := events.Encode(&e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	m := encode(b, typical())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := events.Decode(m); err != nil {
			b.Fatal(err)
		}
	}
}
