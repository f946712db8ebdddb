package events_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
)

const plainPosted = `{"sender":"alice","digest":"d","kind":"text","text_bytes":200,"reply_to":"a","thread_root":"b"}`

// FuzzMessagePosted holds the facts of messages against encoding/json.
func FuzzMessagePosted(f *testing.F) {
	for _, facts := range []string{
		plainPosted, `{}`, ` { "kind" : "text" , "text_bytes" : -0 } `, `{"sender":"a","sender":"b"}`, `{"Sender":"a"}`, `{"sender":null}`,
		`{"sender":"\u00e4"}`, `{"sender":"ä"}`, "{\"sender\":\"\xff\"}", `{"text_bytes":1e2}`, `{"text_bytes":1.0}`, `{"text_bytes":99999999999999999999}`,
		`{"text_bytes":"1"}`, `{"mentions":["bob"],"attachments":1,"mentions_room":true}`, `{"later":{"x":[1]},"kind":"x"}`, `{"kind":"x"}{}`, `null`, `[]`, `{"kind":"x",}`, "",
	} {
		f.Add([]byte(facts))
	}
	f.Fuzz(func(t *testing.T, facts []byte) {
		var want events.MessagePosted
		wanted := json.Unmarshal(facts, &want)
		got, err := events.DecodeFacts(events.TypeMessagePosted, 1, string(facts))
		if (err == nil) != (wanted == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %+v, %v; want %+v, %v", facts, got, err, want, wanted)
		}
		posted, err := events.DecodePosted(1, string(facts))
		if (err == nil) != (wanted == nil) || err == nil && !reflect.DeepEqual(posted, want) {
			t.Fatalf("%s: %+v, %v; want %+v, %v", facts, posted, err, want, wanted)
		}
	})
}

// FuzzMessageContent holds the content of messages against encoding/json.
func FuzzMessageContent(f *testing.F) {
	for _, content := range []string{
		`{"text":"hello","format":"markdown","client_msg_id":"1"}`, `{"text":"gr\u00fc\n\ud83d\ude00"}`, `{"text":"grün 😀"}`, "{\"text\":\"\xff\"}",
		`{"text":"a","data":{"x":1}}`, `{"text":"a","attachments":[{"url":"https://example.org"}]}`, `{"Text":"a"}`, `{"text":1}`, `{"text":"a"} x`, `"secret"`, `null`, "",
	} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		var want events.MessageContent
		wanted := json.Unmarshal(content, &want)
		got, err := events.DecodeMessageContent(string(content))
		if (err == nil) != (wanted == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %+v, %v; want %+v, %v", content, got, err, want, wanted)
		}
	})
}

func BenchmarkMessagePosted(b *testing.B) {
	for b.Loop() {
		if _, err := events.DecodeFacts(events.TypeMessagePosted, 1, plainPosted); err != nil {
			b.Fatal(err)
		}
	}
}
