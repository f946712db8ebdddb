package events_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/roomlog/roomlog/pkg/events"
)

// Records as fuzzing makes them: the header block as in golden files.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/golden/*/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, path := range files {
		file, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		head, value, _ := bytes.Cut(file, []byte("\n\n"))
		f.Add(string(head), value)
	}
	f.Add("", []byte(nil))
	f.Add("key: main/lobby\nce_specversion: 1.0\nce_id: x\nce_type: later\nce_source: main\nce_subject: lobby", []byte{0xff})
	f.Add("key: m/r\nce_specversion: 1.0\nce_id: x\nce_id: y\nce_type: later\nce_source: m\nce_subject: r", []byte("{}"))
	f.Fuzz(func(t *testing.T, head string, value []byte) {
		m := events.Message{Value: value}
		for line := range strings.SplitSeq(head, "\n") {
			if name, v, _ := strings.Cut(line, ": "); name == "key" {
				m.Key = []byte(v)
			} else {
				m.Headers = append(m.Headers, events.Header{Key: name, Value: []byte(v)})
			}
		}
		e, err := events.Decode(m)
		if again, err2 := events.Decode(m); !reflect.DeepEqual(e, again) || (err == nil) != (err2 == nil) {
			t.Fatalf("two answers: %+v %v, %+v %v", e, err, again, err2)
		}
		if err != nil {
			// The reason stands in a table.
			if !errors.Is(err, events.ErrNotAnEvent) || !utf8.ValidString(err.Error()) || strings.Contains(err.Error(), "\x00") {
				t.Fatalf("error %q", err)
			}
			return
		}
		if e.Facts == nil {
			return
		}
		again, err := events.Encode(&e)
		switch {
		case errors.Is(err, events.ErrTooLarge), errors.Is(err, events.ErrInvalidID):
			return // more than we write, or facts that the fold will reject
		case err != nil:
			t.Fatalf("what decodes does not encode: %v", err)
		}
		back, err := events.Decode(again)
		if err != nil {
			t.Fatalf("what encodes does not decode: %v", err)
		}
		if back.Version != events.Newest(e.Type) {
			t.Fatalf("version %d of %s is written as version %d", e.Version, e.Type, back.Version)
		}
		e.Version, e.RawFacts, back.Version, back.RawFacts = 0, "", 0, ""
		if !equal(e, back) {
			t.Fatalf("decoded %+v\nagain   %+v", e, back)
		}
		if third, err := events.Encode(&back); err != nil || !reflect.DeepEqual(third, again) {
			t.Fatalf("encoding is not stable: %v", err)
		}
	})
}

// equal compares events; an empty list of mentions is as good as none.
func equal(a, b events.Event) bool {
	norm := func(e events.Event) events.Event {
		if f, ok := e.Facts.(events.MessagePosted); ok && len(f.Mentions) == 0 {
			f.Mentions = nil
			e.Facts = f
		}
		return e
	}
	return reflect.DeepEqual(norm(a), norm(b))
}

// Whatever Encode writes, Decode reads as the same event.
func FuzzEncode(f *testing.F) {
	f.Add("e1", "main", "lobby", "alice", "", "text", "key", "", int64(1767366245), int64(0), []byte(`{"text":"hi"}`), 2)
	f.Add("e1", "main", "lobby", "alice", "\xff", "\x00", "\x00", "00-1", int64(-62135596800), int64(253402300800), []byte(`"x"`), -1)
	f.Add("", "a:b", "~x", ".", "d", "\u2028<", "", "\n", int64(-1), int64(1<<60), []byte(` {} `), 1<<62)
	f.Fuzz(func(t *testing.T, id, tenant, room, sender, digest, kind, key, trace string, seconds, expires int64, content []byte, n int) {
		e := events.Event{
			ID: events.EventID(id), Type: events.TypeMessagePosted, Tenant: events.Tenant(tenant), Room: events.RoomID(room),
			Time: unix(seconds), Expires: unix(expires), ContentKey: key, TraceParent: trace, Content: content,
			Facts: events.MessagePosted{
				Command: events.Command{Sender: events.UserID(sender), Digest: digest}, Kind: kind, TextBytes: n,
			},
		}
		m, err := events.Encode(&e)
		if err != nil {
			return
		}
		got, err := events.Decode(m)
		if err != nil {
			t.Fatalf("what encodes does not decode: %v", err)
		}
		e.Content = got.Content // trimmed: see TestEncodeCanonicalForm
		if got.TraceParent == "" {
			e.TraceParent = ""
		}
		got.Version, got.RawFacts = 0, ""
		if !reflect.DeepEqual(got, e) {
			t.Fatalf("got  %+v\nwant %+v", got, e)
		}
	})
}

func FuzzParseToken(f *testing.F) {
	v := events.Position{Log: events.LogID{1}, Epoch: 1, Partition: 3, Offset: 41}.Vector()
	f.Add(v.Token())
	f.Add(v.With(0, 7).With(89, events.MaxOffset).Token())
	f.Add(events.Vector{}.Token())
	f.Add(events.Vector{Log: events.LogID{0xff}, Epoch: 1<<32 - 1}.Token())
	f.Add(v.Token() + "\n")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := events.ParseToken(s)
		if err != nil {
			if !errors.Is(err, events.ErrInvalidToken) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if again := v.Token(); again != s {
			t.Fatalf("%q is written %q", s, again)
		}
		if v.Len() > events.MaxPartitions {
			t.Fatalf("%d partitions", v.Len())
		}
	})
}

func FuzzDigest(f *testing.F) {
	for _, s := range []string{`{}`, `{"b":1,"a":[2,"x",null,true,{}]}`, `1e400`, `"\ud83d"`, `{} x`, ``, `[`} {
		f.Add("message.posted", []byte(s))
	}
	f.Fuzz(func(t *testing.T, command string, body []byte) {
		d, err := events.Digest(command, body)
		if err != nil {
			return
		}
		if len(d) != 22 {
			t.Fatalf("digest %q", d)
		}
		spaced := append(append([]byte("\n "), body...), " \t"...)
		if again, err := events.Digest(command, spaced); err != nil || again != d {
			t.Fatalf("%q: %s, with white space %s, %v", body, d, again, err)
		}
		if other, err := events.Digest(command+"x", body); err != nil || other == d {
			t.Fatalf("two commands, one digest")
		}
	})
}

func unix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
