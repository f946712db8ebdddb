package events_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// These values stand in logs and in clients: they never change.
func TestIdempotentIDsNeverChange(t *testing.T) {
	for want, got := range map[events.EventID]events.EventID{
		"364c72fd-8793-805d-8b49-52b2e86ec750": events.IdempotentID("main", "lobby", "alice", "key-1"),
		"a24a44e3-5f23-8f3e-8c2f-a8c50d25b28d": events.IdempotentID("main", "lobby", "alice", "key-2"),
		"1ad194b4-7bcb-8579-b28c-621ad584adc6": events.IdempotentID("acme", "lobby", "alice", "key-1"),
		"be9f738e-747b-827c-a074-7cb66fa348b2": events.EventID(events.IdempotentRoomID("main", "alice", "key-1")),
	} {
		if got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

func TestIdempotentIDsAreUUIDs(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, key := range []string{"", "a", "b", "\x00\xff"} {
		if id := events.IdempotentID("t", "r", "u", key); !form.MatchString(string(id)) {
			t.Errorf("%q gives %s", key, id)
		}
	}
}

func TestNewID(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	now := time.UnixMilli(0x0123456789ab)
	const long = len("01234567-89ab-7000")
	seen := map[string]bool{}
	for _, tc := range []struct {
		after time.Duration
		want  string
	}{
		{0, "01234567-89ab-7000"},
		{500 * time.Microsecond, "01234567-89ab-7800"},
		{time.Millisecond - 1, "01234567-89ab-7fff"},
		{time.Millisecond, "01234567-89ac-7000"},
	} {
		for range 1000 {
			id := events.NewID(now.Add(tc.after))
			if !form.MatchString(id) || id[:long] != tc.want || seen[id] {
				t.Fatalf("%s later: %s, not %s and something new", tc.after, id, tc.want)
			}
			seen[id] = true
		}
	}
}

// No two commands share an id because their parts run together.
func TestIdempotentIDsKeepPartsApart(t *testing.T) {
	seen := map[events.EventID]string{}
	for _, parts := range [][4]string{
		{"a", "b", "c", "d"}, {"ab", "", "c", "d"}, {"a", "bc", "", "d"}, {"a", "b", "cd", ""}, {"", "ab", "c", "d"}, {"a", "b", "c", "dd"},
	} {
		id := events.IdempotentID(events.Tenant(parts[0]), events.RoomID(parts[1]), events.UserID(parts[2]), parts[3])
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %s have one id", parts, other)
		}
		seen[id] = parts[0] + "," + parts[1] + "," + parts[2] + "," + parts[3]
	}
}

func TestDigest(t *testing.T) {
	digest := func(command, body string) string {
		t.Helper()
		d, err := events.Digest(command, []byte(body))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		return d
	}
	// Stands in logs: it never changes.
	const golden = `{"text":"hi <&> \u2028\b\f é","n":[1,2.50,-0,1e400,12345678901234567890],"o":{"b":null,"a":true}}`
	if got, want := digest("message.posted", golden), "ha82l1uw6Om-UNZmy6o-0w"; got != want {
		t.Errorf("%s, not %s", got, want)
	}

	same := [][2]string{
		{`{"a":1,"b":{"c":2,"d":[]}}`, " {\n\"b\" : {\"d\":[ ],\"c\":2},\t\"a\":1 }\n"},
		{`"é"`, `"\u00e9"`},
		{`"/"`, `"\/"`},
		{`"😀"`, `"\ud83d\ude00"`},
	}
	for _, s := range same {
		if digest("c", s[0]) != digest("c", s[1]) {
			t.Errorf("%s and %s differ", s[0], s[1])
		}
	}
	seen := map[string]string{}
	for _, body := range []string{
		`null`, `true`, `false`, `0`, `""`, `"0"`, `[]`, `{}`, `[[]]`, `[{}]`, `["a","b"]`, `["ab"]`, `["b","a"]`, `{"a":"b"}`, `{"ab":""}`,
		`12345678901234567890`, `12345678901234567891`, `1.5`, `1.50`, `[1,[2]]`, `[[1],2]`, `[1,2]`, `{"a":null}`, `{"a":1}`, `{"b":1}`,
	} {
		if other, ok := seen[digest("c", body)]; ok {
			t.Errorf("%s and %s have one digest", body, other)
		}
		seen[digest("c", body)] = body
	}
	if digest("c", `{}`) == digest("d", `{}`) {
		t.Error("two commands have one digest")
	}
	for _, body := range []string{``, ` `, `{`, `{}{}`, `{} x`, `{"a":1}]`, `{a:1}`, `{"a":1,}`} {
		if d, err := events.Digest("c", []byte(body)); err == nil {
			t.Errorf("%q has the digest %s", body, d)
		}
	}
}
