package events_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

var update = flag.Bool("update", false, "write golden files that are missing; one that is there is never changed")

// written is every shape of event that was ever written to a log, with the event
// that it stands for: testdata/golden/<type>/<name>.txt. A log holds it for
// ever, so a file is never changed; a new version of a type is a folder beside.
var written = []struct {
	name  string
	event events.Event
	// old says that Encode does not write this form any more: it is read only.
	old bool
}{
	{name: "room.created/full", event: events.Event{
		ID: "3f0c1c86-6ae5-8d2b-9b6c-6a1f0f9f5f11", Type: events.TypeRoomCreated, Tenant: "acme", Room: "lobby",
		Time: at("2026-01-02T15:04:05.678Z"), Expires: at("2026-01-02T15:04:35.678Z"),
		TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		Facts: events.RoomCreated{
			Command: events.Command{Sender: "alice", Digest: "n4bQgYhMfWWaL-qgxVrQFg"},
			Kind:    events.RoomPrivate, Rules: 1, Settings: events.RoomSettings{MaxMessageLength: 500},
		},
		Content: json.RawMessage(`{"name":"Die Lobby <&> \u2028 世界","metadata":{"color":"blue","big":123456789012345678901234567890}}`),
	}},
	{name: "room.created/minimal", event: events.Event{
		ID: "01944f3e-5b7a-7c3d-8f21-0c9d4e6a7b18", Type: events.TypeRoomCreated, Tenant: "main", Room: "d:x",
		Facts:   events.RoomCreated{Command: events.Command{Sender: "alice"}, Kind: events.RoomPublic, Rules: 1},
		Content: json.RawMessage(`{}`),
	}},
	{name: "member.changed/ban", event: events.Event{
		ID: "9c1f6d52-1f0a-8e77-a4f3-2b9b7a6d5c40", Type: events.TypeMemberChanged, Tenant: "main", Room: "lobby",
		Time: at("2026-01-02T15:04:05Z"),
		Facts: events.MemberChanged{
			Command: events.Command{Sender: "alice", Digest: "d"}, Target: "bob@example.org",
			Membership: events.MembershipBan, Until: 1767366245678,
		},
		Content: json.RawMessage(`{"reason":"spam"}`),
	}},
	{name: "member.changed/role", event: events.Event{
		ID: "x", Type: events.TypeMemberChanged, Tenant: "main", Room: "lobby", Time: at("0001-01-02T00:00:00Z"),
		Facts: events.MemberChanged{
			Command: events.Command{Sender: "alice"}, Target: "bob", Membership: events.MembershipJoin, Role: events.RoleModerator,
		},
		Content: json.RawMessage(`{}`),
	}},
	{name: "message.posted/full", event: events.Event{
		ID: "0b8e2f6a-4d3c-8b1e-9f70-5a6b7c8d9e0f", Type: events.TypeMessagePosted, Tenant: "main", Room: "lobby",
		Time: at("2004-11-15T03:00:00Z"), Expires: at("9999-12-31T23:59:59.999Z"),
		Facts: events.MessagePosted{
			Command: events.Command{Sender: "irc:alice", Digest: "n4bQgYhMfWWaL-qgxVrQFg"}, Kind: "notice", TextBytes: 12,
			ReplyTo: "01944f3e-5b7a-7c3d-8f21-0c9d4e6a7b18", ThreadRoot: "01944f3e-5b7a-7c3d-8f21-0c9d4e6a7b19",
			Mentions: []events.UserID{"bob", "carol"}, Attachments: 1,
		},
		Content: json.RawMessage(`{"text":"hi \\u0000 \ud83d\ude00","format":"markdown","client_msg_id":"c1","attachments":[{"url":"https://x.example/a.png"}],"data":{"a":[1,2.50,null]}}`),
	}},
	{name: "message.posted/minimal", event: events.Event{
		ID: "01944f3e-5b7a-7c3d-8f21-0c9d4e6a7b20", Type: events.TypeMessagePosted, Tenant: "main", Room: "lobby",
		Time:    at("2026-01-02T15:04:05.678Z"),
		Facts:   events.MessagePosted{Command: events.Command{Sender: "alice"}, Kind: "text", TextBytes: 2},
		Content: json.RawMessage(`{"text":"hi"}`),
	}},
	{name: "message.posted/encrypted", event: events.Event{
		ID: "01944f3e-5b7a-7c3d-8f21-0c9d4e6a7b21", Type: events.TypeMessagePosted, Tenant: "main", Room: "lobby",
		Time: at("2026-01-02T15:04:05.678Z"), ContentKey: "lobby/alice/1",
		Facts:   events.MessagePosted{Command: events.Command{Sender: "alice"}, Kind: "text", TextBytes: 2},
		Content: json.RawMessage(`"AAECAwQFBgcICQ"`),
	}},

	{name: "room.created/direct", event: plain("1", "room.created", events.RoomCreated{
		Command: by("alice"), Kind: events.RoomDirect, Rules: 2, With: "bob",
	}, `{}`)},
	{name: "room.created/settings", event: plain("2", "room.created", events.RoomCreated{
		Command: by("alice"), Kind: events.RoomPrivate, Rules: 2, Settings: allSettings,
	}, `{"name":"den"}`)},
	{name: "room.updated/full", event: plain("3", "room.updated", events.RoomUpdated{
		Command: by("alice"), Base: 3, Settings: allSettings, Archived: true,
	}, `{"name":"den","metadata":{"a":1}}`)},
	{name: "room.updated/minimal", event: plain("4", "room.updated", events.RoomUpdated{Command: by("alice"), Base: 1}, `{}`)},
	{name: "room.deleted/minimal", event: plain("5", "room.deleted", events.RoomDeleted{Command: by("alice")}, `{}`)},
	{name: "room.rules_upgraded/minimal", event: plain("6", "room.rules_upgraded", events.RulesUpgraded{Command: by("alice"), Rules: 2}, `{}`)},
	{name: "member.changed/knock", event: plain("7", "member.changed", events.MemberChanged{
		Command: by("bob"), Target: "bob", Membership: events.MembershipKnock,
	}, `{"reason":"let me in"}`)},
	{name: "member.changed/guest", event: plain("8", "member.changed", events.MemberChanged{
		Command: by("alice"), Target: "bob", Membership: events.MembershipJoin, Role: events.RoleGuest,
	}, `{}`)},
	{name: "mark.moved/read", event: plain("9", "mark.moved", events.MarkMoved{Command: by("alice"), Mark: events.MarkRead, Seq: 17}, `{}`)},
	{name: "mark.moved/delivered", event: plain("10", "mark.moved", events.MarkMoved{Command: by("alice"), Mark: events.MarkDelivered}, `{}`)},
	{name: "mark.moved/thread", event: plain("11", "mark.moved", events.MarkMoved{
		Command: by("alice"), Mark: events.MarkRead, Seq: 17, ThreadRoot: "01944f3e-5b7a-7c3d-8f21-0c9d4e6a7b20",
	}, `{}`)},
	{name: "preferences.changed/full", event: plain("12", "preferences.changed", events.PreferencesChanged{
		Command: by("alice"), Muted: true, Hidden: true, Archived: true,
	}, `{}`)},
	{name: "tokens.revoked/minimal", event: account("21", "bob", events.TokensRevoked{Command: by("alice"), Before: 1767366245678})},
	{name: "message.posted/room", event: plain("13", "message.posted", events.MessagePosted{
		Command: by("alice"), Kind: "text", TextBytes: 2, MentionsRoom: true,
	}, `{"text":"hi"}`)},
	{name: "message.posted/here", event: plain("22", "message.posted", events.MessagePosted{
		Command: by("alice"), Kind: "text", TextBytes: 2, Mentions: []events.UserID{"bob"}, MentionsHere: true,
	}, `{"text":"hi"}`)},
	{name: "message.edited/here", event: plain("23", "message.edited", events.MessageEdited{
		Command: by("alice"), Target: "x", Base: 1, TextBytes: 2, MentionsHere: true,
	}, `{"text":"hi"}`)},
	{name: "message.edited/full", event: plain("14", "message.edited", events.MessageEdited{
		Command: by("alice"), Target: "x", Base: 2, TextBytes: 3, Mentions: []events.UserID{"bob"}, Attachments: 1, MentionsRoom: true,
	}, `{"text":"new","attachments":[{"url":"https://x.example/a.png"}]}`)},
	{name: "message.redacted/one", event: redacted, old: true},
	{name: "message.redacted/range", event: redactedRange, old: true},
	{name: "message.redacted.v2/one", event: redacted},
	{name: "message.redacted.v2/range", event: redactedRange},
	{name: "message.pinned/minimal", event: plain("17", "message.pinned", events.MessagePinned{Command: by("alice"), Target: "x"}, `{}`)},
	{name: "message.unpinned/minimal", event: plain("18", "message.unpinned", events.MessageUnpinned{Command: by("alice"), Target: "x"}, `{}`)},
	{name: "reaction.added/minimal", event: plain("19", "reaction.added", events.ReactionAdded{
		Command: by("alice"), Target: "x", Key: "\U0001f44d",
	}, `{}`)},
	{name: "reaction.removed/minimal", event: plain("20", "reaction.removed", events.ReactionRemoved{Command: by("alice"), Target: "x", Key: "+1"}, `{}`)},
}

// One event each, whichever version it was written in.
var (
	redacted = plain("15", "message.redacted", events.MessageRedacted{Command: by("alice"), Target: "x"}, `{"reason":"spam"}`)

	redactedRange = plain("16", "message.redacted", events.MessageRedacted{
		Command: by("alice"), Range: events.MessageRange{From: 3, To: 9, Author: "bob"},
	}, `{}`)
)

var allSettings = events.RoomSettings{
	MaxMessageLength: 500, SlowMode: 30, History: events.HistoryJoined, ReadMarks: events.ReadMarksShared,
	Knocks: true, ReactionsOff: true, ThreadsOff: true,
	Permissions: events.Permissions{
		Post: events.RoleMember, React: events.RoleMember, Invite: events.RoleModerator, Pin: events.RoleModerator,
		MentionRoom: events.RoleOwner, Update: events.RoleModerator,
	},
}

func by(u events.UserID) events.Command { return events.Command{Sender: u} }

func plain(id events.EventID, t events.Type, f events.Facts, content string) events.Event {
	return events.Event{
		ID: id, Type: t, Tenant: "main", Room: "lobby",
		Time: at("2026-01-02T15:04:05.678Z"), Facts: f, Content: json.RawMessage(content),
	}
}

// account is an event about a person.
func account(id events.EventID, about events.UserID, f events.Facts) events.Event {
	e := plain(id, f.EventType(), f, `{}`)
	e.Room = events.AccountRoom(about)
	return e
}

func TestGolden(t *testing.T) {
	listed := map[string]bool{}
	for _, w := range written {
		listed[w.name] = true
		t.Run(w.name, func(t *testing.T) {
			name := filepath.Join("testdata", "golden", filepath.FromSlash(w.name)+".txt")
			file, err := os.ReadFile(name)
			if os.IsNotExist(err) && *update && !w.old {
				writeGolden(t, name, w.event)
				file, err = os.ReadFile(name)
			}
			if err != nil {
				t.Fatal(err)
			}
			m := parseGolden(t, file)
			got, err := events.Decode(m)
			if err != nil {
				t.Fatalf("decode: %v", err)
			}
			got.RawFacts = ""
			want := w.event
			_, want.Version = events.SplitType(path.Dir(w.name))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("the file decodes to\n%+v, not\n%+v", got, want)
			}
			if w.old {
				return
			}
			if again := formatGolden(encode(t, w.event)); !bytes.Equal(again, file) {
				t.Errorf("the event encodes to\n%s\nnot to\n%s", again, file)
			}
		})
	}
	for _, file := range goldenFiles(t) {
		if !listed[strings.TrimSuffix(file, ".txt")] {
			t.Errorf("%s is in no test", file)
		}
	}
}

// No file of the corpus goes or changes, and every version of every type has one:
// SHA256SUMS has them all ("-update" adds those that are new).
func TestGoldenCorpusOnlyGrows(t *testing.T) {
	const name = "testdata/golden/SHA256SUMS"
	list, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(list)) {
		sum, file, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sums[file] = sum
	}
	versions := map[string]bool{}
	for _, file := range goldenFiles(t) {
		b, err := os.ReadFile(filepath.Join("testdata", "golden", file))
		if err != nil {
			t.Fatal(err)
		}
		sum := fmt.Sprintf("%x", sha256.Sum256(b))
		if sums[file] == "" && *update {
			sums[file] = sum
			list = fmt.Appendf(list, "%s  %s\n", sum, file)
		}
		if sums[file] != sum {
			t.Errorf("%s has changed, or is new", file)
		}
		delete(sums, file)
		versions[path.Dir(file)] = true
	}
	for file := range sums {
		t.Errorf("%s is gone", file)
	}
	for _, typ := range events.Types() {
		for v := 1; v <= events.Newest(typ); v++ {
			if !versions[typ.Versioned(v)] {
				t.Errorf("%s has no golden files", typ.Versioned(v))
			}
		}
	}
	if *update {
		if err := os.WriteFile(name, list, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func goldenFiles(t testing.TB) []string {
	t.Helper()
	files, err := fs.Glob(os.DirFS("testdata/golden"), "*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	return files
}

// formatGolden writes a record for people: the key, the headers, the value.
func formatGolden(m events.Message) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "key: %s\n", m.Key)
	for _, h := range m.Headers {
		fmt.Fprintf(&b, "%s: %s\n", h.Key, h.Value)
	}
	fmt.Fprintf(&b, "\n%s\n", m.Value)
	return b.Bytes()
}

func parseGolden(t *testing.T, file []byte) events.Message {
	t.Helper()
	head, value, ok := bytes.Cut(bytes.TrimSuffix(file, []byte("\n")), []byte("\n\n"))
	if !ok {
		t.Fatal("no blank line before the value")
	}
	m := events.Message{Value: value}
	for line := range strings.SplitSeq(string(head), "\n") {
		name, v, ok := strings.Cut(line, ": ")
		switch {
		case !ok:
			t.Fatalf("no header: %q", line)
		case name == "key":
			m.Key = []byte(v)
		default:
			m.Headers = append(m.Headers, events.Header{Key: name, Value: []byte(v)})
		}
	}
	return m
}

func writeGolden(t *testing.T, path string, e events.Event) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, formatGolden(encode(t, e)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func encode(t testing.TB, e events.Event) events.Message {
	t.Helper()
	m, err := events.Encode(&e)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return m
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}
