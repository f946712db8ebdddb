package readmodel_test

import (
	"encoding/json"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// TestItem shows each type's events as clients see them.
func TestItem(t *testing.T) {
	by := events.Command{Sender: "ann", Digest: "never shown"}
	redacted := func(e *readmodel.EventRow) { e.Content, e.Redacted = "{}", 9 }
	for _, test := range []struct {
		name    string
		facts   events.Facts
		content string
		change  func(*readmodel.EventRow)
		want    string
	}{
		{
			"room",
			events.RoomCreated{Command: by, Kind: events.RoomDirect, Rules: 2, With: "bob", Settings: events.RoomSettings{SlowMode: 5}},
			`{"name":"Lobby","metadata":{"a":1}}`, nil,
			`{"kind":"direct","settings":{"slow_mode":5},"with":"bob","name":"Lobby","metadata":{"a":1}}`,
		},
		{
			"update",
			events.RoomUpdated{Command: by, Base: 3, Archived: true},
			`{"name":"Lobby"}`, nil,
			`{"version":4,"settings":{},"archived":true,"name":"Lobby"}`,
		},
		{"end of a room", events.RoomDeleted{Command: by}, `{}`, nil, `{}`},
		{"rules", events.RulesUpgraded{Command: by, Rules: 2}, `{}`, nil, `{"rules":2}`},
		{
			"ban",
			events.MemberChanged{Command: by, Target: "bob", Membership: events.MembershipBan, Until: 1_760_000_000_000},
			`{"reason":"spam"}`, nil,
			`{"user":"bob","membership":"ban","until":"2025-10-09T08:53:20.000Z","reason":"spam"}`,
		},
		{
			"message",
			events.MessagePosted{Command: by, Kind: "text", ReplyTo: "r", ThreadRoot: "t", Mentions: []events.UserID{"bob"}, MentionsRoom: true},
			`{"text":"hi","client_msg_id":"c"}`, nil,
			`{"type":"text","reply_to":"r","thread_root":"t","mentions":["bob"],"mentions_room":true,"text":"hi","client_msg_id":"c"}`,
		},
		{
			"message whose key is not here",
			events.MessagePosted{Command: by, Kind: "text"},
			`"sealed"`, nil,
			`{"type":"text","text":""}`,
		},
		{
			"message that was redacted",
			events.MessagePosted{Command: by, Kind: "text", ReplyTo: "r", ThreadRoot: "t", Mentions: []events.UserID{"bob"}, MentionsRoom: true},
			`{}`, redacted, `{"redacted":true,"type":"text","reply_to":"r","thread_root":"t"}`,
		},
		{
			"edit",
			events.MessageEdited{Command: by, Target: "m", Base: 1, Mentions: []events.UserID{"bob"}, MentionsRoom: true, MentionsHere: true},
			`{"text":"ho"}`, nil,
			`{"message":"m","message_seq":2,"version":2,"mentions":["bob"],"mentions_room":true,"mentions_here":true,"text":"ho"}`,
		},
		{
			"edit of a message that was redacted",
			events.MessageEdited{Command: by, Target: "m", Base: 1, Mentions: []events.UserID{"bob"}},
			`{}`, redacted,
			`{"redacted":true,"message":"m","message_seq":2}`,
		},
		{
			"redaction",
			events.MessageRedacted{Command: by, Target: "m"},
			`{"reason":"spam"}`, nil,
			`{"message":"m","message_seq":2,"reason":"spam"}`,
		},
		{
			"redaction of many",
			events.MessageRedacted{Command: by, Range: events.MessageRange{From: 3, To: 7, Author: "bob"}},
			`{}`,
			func(e *readmodel.EventRow) { e.About = 0 }, `{"from":3,"to":7,"author":"bob"}`,
		},
		{"pin", events.MessagePinned{Command: by, Target: "m"}, `{}`, nil, `{"message":"m","message_seq":2}`},
		{"end of a pin", events.MessageUnpinned{Command: by, Target: "m"}, `{}`, nil, `{"message":"m","message_seq":2}`},
		{"reaction", events.ReactionAdded{Command: by, Target: "m", Key: "+1"}, `{}`, nil, `{"message":"m","message_seq":2,"key":"+1"}`},
		{"end of a reaction", events.ReactionRemoved{Command: by, Target: "m", Key: "+1"}, `{}`, nil, `{"message":"m","message_seq":2,"key":"+1"}`},
	} {
		facts, err := json.Marshal(test.facts)
		if err != nil {
			t.Fatal(err)
		}
		row := readmodel.EventRow{
			Key: readmodel.Key{Tenant: "main", Room: "lobby"}, Seq: 5, ID: "e", Type: test.facts.EventType(), Version: events.Newest(test.facts.EventType()),
			Sender: "ann", SentAt: 1_760_000_000_001, About: 2, Facts: string(facts), Content: test.content,
		}
		if test.change != nil {
			test.change(&row)
		}
		item, err := row.Item()
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got, err := json.Marshal(item)
		want := `{"seq":5,"type":"` + string(row.Type) + `","event_id":"e","room":"lobby","sender":"ann","time":"2025-10-09T08:53:20.001Z","data":` + test.want + `}`
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\n got %s\nwant %s", test.name, err, got, want)
		}
	}
}

func TestItemOfNothing(t *testing.T) {
	for _, row := range []readmodel.EventRow{
		{Type: "room.renamed", Version: 1, Facts: `{}`, Content: `{}`},
		{Type: events.TypeMessagePosted, Version: 9, Facts: `{}`, Content: `{}`},
		{Type: events.TypeMarkMoved, Version: 1, Facts: `{}`, Content: `{}`},
		{Type: events.TypeMessagePosted, Version: 1, Facts: `{`, Content: `{}`},
		{Type: events.TypeMessagePosted, Version: 1, Facts: `{}`, Content: `{`},
		{Type: events.TypeMessageEdited, Version: 1, Facts: `{`, Content: `{}`, Redacted: 2},
	} {
		if item, err := row.Item(); err == nil {
			t.Errorf("%+v gives %+v", row, item)
		}
	}
}

// An event is shown the same way in whichever version it was written.
func TestItemOfAnOlderVersion(t *testing.T) {
	item := func(version int, facts string) string {
		row := readmodel.EventRow{Type: events.TypeMessageRedacted, Version: version, Facts: facts, Content: `{"reason":"spam"}`}
		item, err := row.Item()
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for old, now := range map[string]string{
		`{"sender":"ann","target":"m"}`:                   `{"sender":"ann","target":"m"}`,
		`{"sender":"ann","from":3,"to":7,"author":"bob"}`: `{"sender":"ann","range":{"from":3,"to":7,"author":"bob"}}`,
	} {
		if got, want := item(1, old), item(2, now); got != want {
			t.Errorf("version 1 is shown as\n%s, version 2 as\n%s", got, want)
		}
	}
}
