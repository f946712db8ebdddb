package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// The scanner takes what encoding/json takes, apart from what it refuses on
// purpose: content is what any reader can read.
func FuzzScanContent(f *testing.F) {
	for _, s := range []string{
		`{}`, `""`, `{"a":[1,-0,0.5e-7,1E+9,true,false,null]}`, `{"a":{"a":{}}}`, " {\"\":\"\"}\r\n\t",
		`{"a":"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"}`, `"\ud83d"`, `"\ude00"`, `"\ud83dx"`, `"\ud83d\n"`, `"\u0000"`, `"\\u0000"`,
		"\"\x00\"", "\"\n\"", "\"\xff\"", "\"\u2028\ufffd\"", `{"a":01}`, `{"a":1.}`, `{"a":.1}`, `{"a":1e}`, `{"a":-}`, `{"a":+1}`,
		`{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1 "b":2}`, `[`, `{`, `"`, `"\`, `"\u12`, `"\x"`, `nul`, `nulll`, `{"a":tru}`,
		`{"a":NaN}`, `{}{}`, ``, ` `, strings.Repeat(`{"a":`, 99) + "1" + strings.Repeat("}", 99),
		strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := scanContent(b)
		if err != nil {
			if errors.Is(err, ErrUnstorable) {
				return
			}
			if trimmed := bytes.TrimLeft(b, " \t\r\n"); json.Valid(b) && isContent(trimmed) {
				t.Fatalf("%q: %v, but it is JSON", b, err)
			}
			return
		}
		if !json.Valid(b) {
			t.Fatalf("%q is not JSON", b)
		}
		if want := bytes.Trim(b, " \t\r\n"); !bytes.Equal(got, want) {
			t.Fatalf("%q gives %q", b, got)
		}
		if strings.Contains(decoded(t, b), "\x00") {
			t.Fatalf("%q has NUL", b)
		}
		// Nothing was replaced: all of it is Unicode.
		if n := bytes.Count(b, []byte("\ufffd")) + strings.Count(strings.ToLower(string(b)), `\ufffd`); strings.Count(decoded(t, b), "\ufffd") > n {
			t.Fatalf("%q is not Unicode", b)
		}
	})
}

// decoded gives all names and strings in a JSON text, one behind the other.
func decoded(t *testing.T, b []byte) string {
	var out strings.Builder
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return out.String()
		}
		if s, ok := token.(string); ok {
			out.WriteString(s)
		}
	}
}

func TestShapes(t *testing.T) {
	for typ, versions := range shapes {
		for version := 1; version <= len(versions); version++ {
			f, err := DecodeFacts(typ, version, `{}`)
			if err != nil || f.EventType() != typ {
				t.Errorf("%s decodes to %T, %v", typ.Versioned(version), f, err)
			}
		}
	}
	want := &names{fields: map[string]field{
		"sender": {1, noNames}, "digest": {2, noNames}, "target": {4, noNames}, "membership": {8, noNames},
		"role": {16, noNames}, "until": {32, noNames},
	}}
	if got := shapes[TypeMemberChanged][0].names; !reflect.DeepEqual(got, want) {
		t.Errorf("the names of member.changed are %+v", got)
	}
	settings := shapes[TypeRoomCreated][0].names.fields["settings"].names
	if settings.fields["slow_mode"].names != noNames || settings.fields["permissions"].names.fields["pin"].names != noNames {
		t.Errorf("the names of settings are %+v", settings)
	}
}

// Every field of the facts needs a name that records can have, or it parks its
// room in the program that wrote it.
func TestNamesOfFactsArePlain(t *testing.T) {
	var walk func(typ Type, n *names)
	walk = func(typ Type, n *names) {
		if len(n.fields) > 64 {
			t.Errorf("%s: %d fields in an object", typ, len(n.fields))
		}
		for name, f := range n.fields {
			if !plainName([]byte(name)) {
				t.Errorf("%s: %q", typ, name)
			}
			walk(typ, f.names)
		}
	}
	for typ, versions := range shapes {
		for _, shape := range versions {
			walk(typ, shape.names)
		}
	}
}

// TestPlainPrefix puts each byte at each place of texts of all lengths up to three
// times the eight bytes that are looked at together.
func TestPlainPrefix(t *testing.T) {
	for length := range 24 {
		for at := range length {
			for c := range 256 {
				for _, fill := range []byte{'a', ' ', '!', '#', '[', ']', 0x7f, 0x80, 0xa2, 0xdc, 0xff} {
					b := bytes.Repeat([]byte{fill}, length)
					b[at] = byte(c)
					want := length
					if c < ' ' || c == '"' || c == '\\' {
						want = at
					}
					if got := PlainPrefix(b); got != want {
						t.Fatalf("%q: %d, want %d", b, got, want)
					}
				}
			}
		}
	}
}
