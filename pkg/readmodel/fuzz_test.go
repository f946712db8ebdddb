package readmodel_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// A time that is read is written as one that any reader of RFC 3339 reads.
func FuzzTime(f *testing.F) {
	for _, s := range []string{
		`"2026-01-02T15:04:05.678Z"`, `"2026-01-02T15:04:05.678901+02:00"`, `"9999-12-31T23:59:59-01:00"`, `"0000-01-01T00:00:00+01:00"`, `null`, `""`, `1`, `"x"`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var in readmodel.Time
		if json.Unmarshal(b, &in) != nil {
			return
		}
		written, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var out readmodel.Time
		if err := json.Unmarshal(written, &out); err != nil || out != in {
			t.Fatalf("%s became %s: %d, %d, %v", b, written, in, out, err)
		}
		if want := time.UnixMilli(int64(in)).UTC().Format(`"2006-01-02T15:04:05.000Z"`); string(written) != want {
			t.Fatalf("%s became %s, want %s", b, written, want)
		}
	})
}

// Whatever a row holds: an error, or JSON, in which there is nothing of the content
// of what was redacted.
func FuzzItem(f *testing.F) {
	f.Add("message.posted", `{"sender":"a","kind":"text","mentions":["b"]}`, `{"text":"secret","data":{"x":1}}`, int64(0))
	f.Add("message.posted", `{"kind":"text"}`, `{"text":"secret"}`, int64(3))
	f.Add("message.edited", `{"target":"m","base":1}`, `"sealed"`, int64(0))
	f.Add("message.edited", `{"target":"m","base":9223372036854775807}`, `{"attachments":[null],"data":null}`, int64(1))
	f.Add("room.created", `{"settings":{"permissions":{}}}`, `{"metadata":{"a":{}}}`, int64(0))
	f.Add("room.updated", `null`, `null`, int64(0))
	f.Add("member.changed", `{"until":9223372036854775807}`, `{"reason":"r"}`, int64(0))
	for _, typ := range []string{"message.redacted", "message.redacted.v2", "reaction.added", "message.pinned", "room.rules_upgraded", "room.deleted", "mark.moved", "x"} {
		f.Add(typ, `{}`, `{}`, int64(0))
	}
	f.Fuzz(func(t *testing.T, typ, facts, content string, redacted int64) {
		row := readmodel.EventRow{
			Key: readmodel.Key{Tenant: "main", Room: "lobby"}, Seq: 5, ID: "e", Sender: "ann", About: 2,
			Facts: facts, Content: content, Redacted: events.Seq(redacted),
		}
		row.Type, row.Version = events.SplitType(typ)
		item, err := row.Item()
		if err != nil {
			return
		}
		b, err := json.Marshal(item)
		if err != nil {
			t.Fatalf("%+v: %v", item, err)
		}
		if row.Redacted <= 0 {
			return
		}
		row.Content = `{"text":"another"}`
		again, err := row.Item()
		if err != nil {
			t.Fatal(err)
		}
		if other, err := json.Marshal(again); err != nil || !bytes.Equal(b, other) {
			t.Fatalf("%v: content shows in %s, %s", err, b, other)
		}
	})
}
