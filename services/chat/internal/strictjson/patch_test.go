package strictjson_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/strictjson"
)

type state struct {
	Name     string          `json:"name"`
	Kind     string          `json:"kind,omitempty"`
	List     []inner         `json:"list,omitempty"`
	Settings inner           `json:"settings"`
	Data     json.RawMessage `json:"data,omitempty"`
}

// The examples of RFC 7396, appendix A, as far as objects are concerned, and what
// must stay as it was written.
func TestPatch(t *testing.T) {
	for _, tc := range []struct{ before, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"a":1}`, `{"a":[null,{"b":null}],"c":{"d":null}}`, `{"a":[null,{"b":null}],"c":{}}`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`{"a":"foo"}`, `{}`, `{"a":"foo"}`},
		{``, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"n":12345678901234567890.10,"h":"<&>"}`, `{"x": 1e400}`, `{"h":"<&>","n":12345678901234567890.10,"x":1e400}`},
	} {
		s := state{Name: "n", Settings: inner{"u", 1}, Data: json.RawMessage(tc.before)}
		patch := []byte(`{"data":` + tc.patch + `}`)
		if err := strictjson.CheckPatch(patch, &s); err != nil {
			t.Fatal(err)
		}
		if err := strictjson.Patch(&s, patch); err != nil {
			t.Fatal(err)
		}
		if string(s.Data) != tc.want || s.Name != "n" || s.Settings != (inner{"u", 1}) {
			t.Errorf("%s on %s: %s, %+v", tc.patch, tc.before, s.Data, s)
		}
	}
	s := state{Name: "n", Kind: "k", Settings: inner{"u", 1}, Data: json.RawMessage(`{"a":1}`)}
	if err := strictjson.Patch(&s, []byte(`{"name":"","kind":null,"settings":{"url":null,"size":2},"data":null}`)); err != nil {
		t.Fatal(err)
	}
	if s.Name != "" || s.Kind != "" || s.Settings != (inner{"", 2}) || s.Data != nil {
		t.Errorf("%+v", s)
	}
}

func TestPatchRefuses(t *testing.T) {
	for patch, want := range map[string]struct {
		code  problem.Code
		field string
	}{
		``:                            {problem.InvalidJSON, ""},
		`null`:                        {problem.InvalidJSON, ""},
		`[]`:                          {problem.InvalidJSON, ""},
		`{"name":"a","name":null}`:    {problem.DuplicateField, "name"},
		`{"nme":null}`:                {problem.UnknownField, "nme"},
		`{"settings":{"uri":null}}`:   {problem.UnknownField, "settings.uri"},
		`{"name":"\u0000"}`:           {problem.InvalidCharacter, "name"},
		"{\"name\":\"\xff\"}":         {problem.InvalidUTF8, ""},
		`{"kind":""}`:                 {problem.InvalidField, "kind"},
		`{"list":[null]}`:             {problem.InvalidField, "list[0]"},
		`{"list":[{"url":null}]}`:     {problem.InvalidField, "list[0].url"},
		`{"data":1}`:                  {problem.InvalidField, "data"},
		`{"name":1}`:                  {problem.InvalidField, "name"},
		`{"settings":{"size":"big"}}`: {problem.InvalidField, "settings.size"},
		`{"settings":[]}`:             {problem.InvalidField, "settings"},
		`{"data":` + strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40) + `}`: {problem.JSONTooDeep, ""},
	} {
		s := state{Name: "n"}
		err := strictjson.CheckPatch([]byte(patch), &s)
		if err == nil {
			err = strictjson.Patch(&s, []byte(patch))
		}
		p, ok := errors.AsType[*problem.Error](err)
		if !ok || p.Code != want.code || p.Field != want.field || s.Name != "n" {
			t.Errorf("%s: %v", patch, err)
		}
	}
}
