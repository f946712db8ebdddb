package httpapi

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/api"
)

// same holds what is appended against what encoding/json says.
func same(t *testing.T, m *api.Message) {
	t.Helper()
	want, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := appendMessage(nil, m)
	if err != nil || string(got) != string(want) {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

// TestAppendAcceptedHasEachField is the same for the answer to a command.
func TestAppendAcceptedHasEachField(t *testing.T) {
	var a api.Accepted
	check := func() {
		t.Helper()
		want, err := json.Marshal(a)
		if got := appendAccepted(nil, &a); err != nil || string(got) != string(want) {
			t.Errorf("got %s, want %s, %v", got, want, err)
		}
	}
	check()
	for i := range reflect.TypeFor[api.Accepted]().NumField() {
		set(t, reflect.ValueOf(&a).Elem().Field(i))
		check()
	}
}

// TestAppendMessageHasEachField sets one field at a time, and all of them: one that is
// added to the description and forgotten here shows.
func TestAppendMessageHasEachField(t *testing.T) {
	empty := api.Message{Reactions: []api.Reaction{}}
	same(t, &empty)
	all := empty
	for i := range reflect.TypeFor[api.Message]().NumField() {
		one := empty
		for _, m := range []*api.Message{&one, &all} {
			set(t, reflect.ValueOf(m).Elem().Field(i))
		}
		same(t, &one)
	}
	same(t, &all)
}

func set(t *testing.T, v reflect.Value) {
	t.Helper()
	switch p := v.Addr().Interface().(type) {
	case *json.RawMessage:
		*p = json.RawMessage(`{"any": ["<1>"]}`)
	case *[]events.Attachment:
		*p = []events.Attachment{{URL: "https://example.org/?a&b", Name: "é"}}
	case *[]api.Reaction:
		*p = []api.Reaction{{Key: "+1", Count: 2, Mine: true}}
	case *[]string:
		*p = []string{"ann", "bob"}
	case **string:
		*p = new("<b>")
	default:
		switch v.Kind() {
		case reflect.String:
			v.SetString("ein Wort, ελληνικά 🎈")
		case reflect.Int, reflect.Int64:
			v.SetInt(1767323045123)
		case reflect.Bool:
			v.SetBool(true)
		default:
			t.Fatalf("a field of type %s", v.Type())
		}
	}
}
