package events

import (
	"encoding/json"
	"reflect"
	"testing"
)

// TestAppendHasEachField sets one field at a time, and all of them: one that is added to
// the contract and forgotten where messages are written shows.
func TestAppendHasEachField(t *testing.T) {
	var facts MessagePosted
	var content MessageContent
	check := func(f MessagePosted, c MessageContent) {
		t.Helper()
		wantFacts, failed := json.Marshal(f)
		wantContent, err := json.Marshal(c)
		if err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		if got, err := appendFacts(nil, f); err != nil || string(got) != string(wantFacts) {
			t.Errorf("got %s, %v\nwant %s", got, err, wantFacts)
		}
		if got, err := EncodeContent(c); err != nil || string(got) != string(wantContent) {
			t.Errorf("got %s, %v\nwant %s", got, err, wantContent)
		}
	}
	check(facts, content)
	for _, each := range eachField(t, reflect.ValueOf(&facts).Elem()) {
		each()
		check(facts, content)
		facts = MessagePosted{}
	}
	for _, each := range eachField(t, reflect.ValueOf(&content).Elem()) {
		each()
		check(facts, content)
		content = MessageContent{}
	}
	for _, each := range append(eachField(t, reflect.ValueOf(&facts).Elem()), eachField(t, reflect.ValueOf(&content).Elem())...) {
		each()
		check(facts, content)
	}
}

// eachField sets the fields of a struct, one by one.
func eachField(t *testing.T, v reflect.Value) (set []func()) {
	for _, f := range v.Fields() {
		if f.Kind() == reflect.Struct {
			set = append(set, eachField(t, f)...)
			continue
		}
		set = append(set, func() {
			switch p := f.Addr().Interface().(type) {
			case *json.RawMessage:
				*p = json.RawMessage(`{"any": ["<1>"]}`)
			case *[]Attachment:
				*p = []Attachment{{URL: "https://example.org/?a&b"}}
			case *[]UserID:
				*p = []UserID{"ann", "<bob>"}
			default:
				switch f.Kind() {
				case reflect.String:
					f.SetString("ein <Wort>, ελληνικά 🎈")
				case reflect.Int:
					f.SetInt(-1767323045123)
				case reflect.Bool:
					f.SetBool(true)
				default:
					t.Fatalf("a field of type %s", f.Type())
				}
			}
		})
	}
	return set
}

func FuzzAppendText(f *testing.F) {
	for _, s := range []string{"", "plain", `"quoted" \ back`, "<b>&amp;", "a\nb\x7f\x00", "\u2028 \u2029", "é🎈", "\xff broken", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendText(nil, s); string(got) != string(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
