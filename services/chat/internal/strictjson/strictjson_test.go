package strictjson_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/strictjson"
)

type inner struct {
	URL  string `json:"url"`
	Size int64  `json:"size,omitempty"`
}

type body struct {
	Text   string          `json:"text"`
	Kind   string          `json:"kind,omitempty"`
	N      int             `json:"n,omitempty"`
	List   []string        `json:"list,omitempty"`
	Inners []inner         `json:"inners,omitempty"`
	Data   json.RawMessage `json:"data,omitempty"`
	Seqs   map[string]int  `json:"seqs,omitempty"`
}

func TestDecodeRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		body  string
		code  problem.Code
		field string
	}{
		"nothing":             {``, problem.InvalidJSON, ""},
		"half":                {`{"text":"a"`, problem.InvalidJSON, ""},
		"no JSON":             {`text=a`, problem.InvalidJSON, ""},
		"a list":              {`[]`, problem.InvalidJSON, ""},
		"a string":            {`"a"`, problem.InvalidJSON, ""},
		"two":                 {`{"text":"a"}{}`, problem.InvalidJSON, ""},
		"trailing comma":      {`{"text":"a",}`, problem.InvalidJSON, ""},
		"not UTF-8":           {"{\"text\":\"\xff\"}", problem.InvalidUTF8, ""},
		"unknown":             {`{"text":"a","txet":1}`, problem.UnknownField, "txet"},
		"other case":          {`{"Text":"a"}`, problem.UnknownField, "Text"},
		"unknown within":      {`{"text":"a","inners":[{"url":"u"},{"uri":"u"}]}`, problem.UnknownField, "inners[1].uri"},
		"twice":               {`{"text":"a","text":"b"}`, problem.DuplicateField, "text"},
		"twice in data":       {`{"text":"a","data":{"x":1,"x":2}}`, problem.DuplicateField, "data.x"},
		"missing":             {`{"n":1}`, problem.MissingField, "text"},
		"null":                {`{"text":null}`, problem.InvalidField, "text"},
		"empty":               {`{"text":"a","kind":""}`, problem.InvalidField, "kind"},
		"null in a list":      {`{"text":"a","list":[null]}`, problem.InvalidField, "list[0]"},
		"null in a map":       {`{"text":"a","seqs":{"x":null}}`, problem.InvalidField, "seqs.x"},
		"twice in a map":      {`{"text":"a","seqs":{"x":1,"x":2}}`, problem.DuplicateField, "seqs.x"},
		"text in a map":       {`{"text":"a","seqs":{"x":"1"}}`, problem.InvalidField, "seqs"},
		"number for text":     {`{"text":1}`, problem.InvalidField, "text"},
		"text for number":     {`{"text":"a","n":"1"}`, problem.InvalidField, "n"},
		"fraction":            {`{"text":"a","n":1.5}`, problem.InvalidField, "n"},
		"too great":           {`{"text":"a","n":1e99}`, problem.InvalidField, "n"},
		"object for a list":   {`{"text":"a","list":{}}`, problem.InvalidField, "list"},
		"text for data":       {`{"text":"a","data":"x"}`, problem.InvalidField, "data"},
		"list for data":       {`{"text":"a","data":[]}`, problem.InvalidField, "data"},
		"number for data":     {`{"text":"a","data":1}`, problem.InvalidField, "data"},
		"null for data":       {`{"text":"a","data":null}`, problem.InvalidField, "data"},
		"U+0000":              {`{"text":"a\u0000b"}`, problem.InvalidCharacter, "text"},
		"U+0000 in data":      {`{"text":"a","data":{"k":["\u0000"]}}`, problem.InvalidCharacter, "data.k[0]"},
		"U+0000 in a name":    {`{"text":"a","data":{"\u0000":1}}`, problem.InvalidCharacter, "data.\x00"},
		"U+0000 behind half":  {`{"text":"\ud800\u0000"}`, problem.InvalidCharacter, "text"},
		"twice behind /":      {`{"text":"a","data":{"a/~b":[0,{"x":1,"x":2}]}}`, problem.DuplicateField, "data.a/~b[1].x"},
		"deep":                {`{"text":"a","data":` + strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40) + `}`, problem.JSONTooDeep, ""},
		"deep and unfinished": {`{"data":{"a":` + strings.Repeat(`[`, 60000), problem.JSONTooDeep, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var b body
			err := strictjson.Decode([]byte(tc.body), &b, "text")
			var p *problem.Error
			if !errors.As(err, &p) {
				t.Fatalf("error %v, want %s", err, tc.code)
			}
			if p.Code != tc.code || p.Field != tc.field {
				t.Errorf("%s %q, want %s %q", p.Code, p.Field, tc.code, tc.field)
			}
		})
	}
}

func TestDecodeTakes(t *testing.T) {
	var b body
	in := `{"text":"a\\u0000","n":3,"list":["x"],"inners":[{"url":"u","size":7}],"data":{"a":[1,null,{"b":"c"}],"A":1}}`
	if err := strictjson.Decode([]byte(in), &b, "text"); err != nil {
		t.Fatal(err)
	}
	if b.Text != `a\u0000` || b.N != 3 || b.List[0] != "x" || b.Inners[0] != (inner{"u", 7}) || string(b.Data) != `{"a":[1,null,{"b":"c"}],"A":1}` {
		t.Errorf("decoded %+v", b)
	}
}
