package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/strictjson"
)

// What is taken is JSON that encoding/json takes too, and says the same.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"text":"a"}`, `{"text":"a","data":{"x":[]}}`, `{"n":1}`, `{"text":"\ud800"}`, `{`, `[[[[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var got, want body
		err := strictjson.Decode(in, &got, "")
		var p *problem.Error
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("not a problem: %v", err)
		}
		if err != nil {
			return
		}
		if err := json.Unmarshal(in, &want); err != nil || want.Text != got.Text || string(want.Data) != string(got.Data) {
			t.Fatalf("%q: %v, %+v and %+v", in, err, got, want)
		}
	})
}

// A patch is a problem, or does what RFC 7396 says; twice it does no more than once.
func FuzzPatch(f *testing.F) {
	f.Add([]byte(`{"a":1}`), []byte(`{"name":"x","kind":null,"settings":{"size":2},"data":{"a":null,"b":{"c":[null]}}}`))
	f.Add([]byte(`{}`), []byte(`{"data":null,"list":[{"url":"u"}]}`))
	f.Add([]byte(``), []byte(`{"data":{"a":{"b":{}}}}`))
	f.Add([]byte(`{"":{"":1}}`), []byte(` {"data": {"": {"": null}}} `))
	f.Add([]byte(`{"a":12345678901234567890.10}`), []byte(`{"settings":null}`))
	f.Fuzz(func(t *testing.T, data, patch []byte) {
		s := state{Name: "n", Kind: "k", Settings: inner{"u", 1}}
		if strictjson.CheckPatch(append(append([]byte(`{"data":`), data...), '}'), &state{}) == nil {
			s.Data = data
		}
		before := object(t, s)
		err := strictjson.CheckPatch(patch, &s)
		if err == nil {
			err = strictjson.Patch(&s, patch)
		}
		if p, ok := errors.AsType[*problem.Error](err); err != nil && !ok {
			t.Fatalf("not a problem: %v", err)
		} else if err != nil && p.Code == "" {
			t.Fatalf("a problem without a code: %v", err)
		}
		if err != nil {
			return
		}
		// The state has all fields that are not optional; those taken away are empty.
		var want state
		if err := json.Unmarshal(merged(t, before, patch), &want); err != nil {
			t.Fatal(err)
		}
		if got, want := object(t, s), object(t, want); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s on %v:\n got %v\nwant %v", patch, before, got, want)
		}
		once := object(t, s)
		if err := strictjson.Patch(&s, patch); err != nil || !reflect.DeepEqual(object(t, s), once) {
			t.Fatalf("%s again: %v, %v is not %v", patch, err, object(t, s), once)
		}
	})
}

func object(t *testing.T, s state) map[string]any {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, b).(map[string]any)
}

func decoded(t *testing.T, b []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return v
}

// merged is MergePatch of RFC 7396 as it stands there, on decoded values.
func merged(t *testing.T, target any, patch []byte) []byte {
	t.Helper()
	b, err := json.Marshal(mergePatch(target, decoded(t, patch)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mergePatch(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out, ok := target.(map[string]any)
	if !ok {
		out = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(out, name)
		} else {
			out[name] = mergePatch(out[name], value)
		}
	}
	return out
}
