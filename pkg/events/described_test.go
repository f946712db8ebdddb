package events_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/topics/topicstest"
)

const topic = "roomlog.events.1"

// contents are what the content of a type is written from; of the others it is empty.
var contents = map[events.Type]reflect.Type{
	events.TypeRoomCreated:     reflect.TypeFor[events.RoomContent](),
	events.TypeRoomUpdated:     reflect.TypeFor[events.RoomContent](),
	events.TypeMemberChanged:   reflect.TypeFor[events.MemberContent](),
	events.TypeMessagePosted:   reflect.TypeFor[events.MessageContent](),
	events.TypeMessageEdited:   reflect.TypeFor[events.MessageContent](),
	events.TypeMessageRedacted: reflect.TypeFor[events.RedactionContent](),
}

// Every version of a type has a message, and every message a type; its fields are
// those of the code.
func TestTypesAreDescribed(t *testing.T) {
	d := topicstest.Read(t)
	var types []string
	for _, typ := range events.Types() {
		content, ok := contents[typ]
		if !ok {
			content = reflect.TypeFor[struct{}]()
		}
		for v := 1; v <= events.Newest(typ); v++ {
			name := typ.Versioned(v)
			types = append(types, name)
			payload := "/channels/events/messages/" + name + "/payload"
			d.CheckFields(t, payload, content, "content")
			if v < events.Newest(typ) {
				continue // its golden files are as described
			}
			facts, err := events.DecodeFacts(typ, v, `{}`)
			if err != nil {
				t.Fatal(err)
			}
			d.CheckFields(t, payload, reflect.TypeOf(facts), "facts")
		}
	}
	slices.Sort(types)
	if got := d.Messages(topic); !slices.Equal(got, types) {
		t.Errorf("described are %q, there are %q", got, types)
	}
}

// Every event that was ever written is as described.
func TestGoldenEventsAreDescribed(t *testing.T) {
	d := topicstest.Read(t)
	files, err := filepath.Glob("testdata/golden/*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Check(topic, parseGolden(t, file)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A description that takes anything describes nothing.
func TestOtherRecordsAreNotAsDescribed(t *testing.T) {
	d := topicstest.Read(t)
	const good = "key: main/lobby\nce_specversion: 1.0\nce_id: 1\nce_type: message.posted\nce_source: main\nce_subject: lobby\n" +
		"ce_time: 2026-01-02T15:04:05.678Z\ncontent-type: application/json\n\n" +
		`{"facts":{"sender":"alice","kind":"text","text_bytes":2},"content":{"text":"hi"}}` + "\n"
	check := func(file string) error { return d.Check(topic, parseGolden(t, []byte(file))) }
	if err := check(good); err != nil {
		t.Fatal(err)
	}
	for old, replacement := range map[string]string{
		"key: main/lobby":           "key: lobby",
		"ce_specversion: 1.0":       "ce_specversion: 2.0",
		"ce_id: 1\n":                "",
		"message.posted":            "message.shouted",
		"ce_subject: lobby":         "ce_subject: the lobby",
		"2026-01-02T15:04:05.678Z":  "yesterday",
		"application/json":          "application/cloudevents+json",
		`"sender":"alice",`:         "",
		`"text_bytes":2`:            `"text_bytes":"2"`,
		`"kind":"text"`:             `"kind":"text","mentions":"bob"`,
		`{"text":"hi"}`:             `{"text":1}`,
		`,"content":{"text":"hi"}}`: `}`,
	} {
		bad := strings.Replace(good, old, replacement, 1)
		if bad == good {
			t.Fatalf("%q does not stand there", old)
		}
		if err := check(bad); err == nil {
			t.Errorf("with %q for %q it is as described", replacement, old)
		}
	}
	if m := parseGolden(t, bytes.Replace([]byte(good), []byte("message.posted"), []byte("room.deleted"), 1)); d.Check(topic, m) != nil {
		t.Error("content of a type that has none is passed over")
	}
}
