package tables

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

func TestClean(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"as it is: é\U0001F600\n", "as it is: é\U0001F600\n"},
		{"nul \x00.", "nul \uFFFD."},
		{"not UTF-8 \xff.", "not UTF-8 \uFFFD."},
		{strings.Repeat("x", MaxReason+1), strings.Repeat("x", MaxReason)},
		{strings.Repeat("x", MaxReason-1) + "é", strings.Repeat("x", MaxReason-1) + "\uFFFD"},
	} {
		if got := clean(test.in); got != test.want {
			t.Errorf("%.40q: got %.40q", test.in, got)
		}
	}
}

// FuzzRecord shows that a parked record comes back byte for byte, and that the
// text that holds it suits every store.
func FuzzRecord(f *testing.F) {
	f.Add([]byte("main/lobby"), []byte(`{"facts":{}}`), "ce_id", []byte("e"))
	f.Add([]byte{0, 0xff}, []byte{0xfe}, "\x00\xff", []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte, name string, header []byte) {
		in := events.Message{Key: key, Value: value, Headers: []events.Header{{Key: name, Value: header}}}
		text := recordText(&readmodel.DeadLetter{Message: in})
		if !utf8.ValidString(text) || bytes.ContainsRune([]byte(text), 0) || strings.Contains(text, `\u0000`) {
			t.Errorf("not for every store: %q", text)
		}
		out, err := parseRecord(text)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Key, key) || !bytes.Equal(out.Value, value) || len(out.Headers) != 1 ||
			out.Headers[0].Key != name || !bytes.Equal(out.Headers[0].Value, header) {
			t.Errorf("got %+v, want %+v", out, in)
		}
	})
}

// FuzzParseRecord reads what may stand in the tables: an error, or a record.
func FuzzParseRecord(f *testing.F) {
	f.Add(`{"key":"bWFpbg==","headers":[{"name":"eA==","value":null}],"value":"e30="}`)
	f.Add(`{"headers":[null]}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseRecord(text)
		if err != nil {
			return
		}
		again, err := parseRecord(recordText(&readmodel.DeadLetter{Message: m}))
		if err != nil || !bytes.Equal(again.Key, m.Key) || !bytes.Equal(again.Value, m.Value) || len(again.Headers) != len(m.Headers) {
			t.Errorf("%+v became %+v, %v", m, again, err)
		}
	})
}

// FuzzScanReactions reads what may stand in the tables: an error, or counts.
func FuzzScanReactions(f *testing.F) {
	for _, text := range []string{"", "{}", "[]", "null", `{"+1":1}`, `[{"key":"+1","count":2}]`, "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s room.MessageState
		if scanReactions(text, &s) == nil && text != "" {
			var again room.MessageState
			if err := scanReactions(reactionsText(s.Reactions), &again); err != nil || len(again.Reactions) != len(s.Reactions) {
				t.Errorf("%q: %v became %v, %v", text, s.Reactions, again.Reactions, err)
			}
		}
	})
}
