package strictjson

import (
	"reflect"
	"testing"
)

type message struct {
	Text  string   `json:"text"`
	Kind  kind     `json:"kind,omitempty"`
	N     int      `json:"n,omitempty"`
	Other upper    `json:"other,omitempty"`
	List  []string `json:"list,omitempty"`
}

type kind string

// upper has something to say in how it is read.
type upper string

func (u *upper) UnmarshalText(b []byte) error {
	*u = upper("<" + string(b) + ">")
	return nil
}

func TestFlat(t *testing.T) {
	for body, want := range map[string]bool{
		`{"text":"hello"}`: true, " {\n\t\"kind\" : \"a\" ,\r \"text\" : \"gr\u00fcn \x7f\" } ": true, `{"text":""}`: true,
		`{}`: false, `{"kind":"a"}`: false, `{"text":"a","text":"a"}`: false, `{"text":"a","kind":""}`: false, `{"text":"a","Kind":"b"}`: false,
		`{"text":"a","other":"b"}`: false, `{"text":"a","n":"1"}`: false, `{"text":"a","n":1}`: false, `{"text":"a","list":[]}`: false,
		`{"text":"\n"}`: false, "{\"text\":\"\n\"}": false, "{\"text\":\"\xff\"}": false, `{"text":null}`: false,
		`{"text":"a",}`: false, `{"text":"a"`: false, `{"text":"a`: false, `{"text" "a"}`: false, `{"text":"a"}}`: false, `{"text":"a"} {}`: false, `["text"]`: false, ``: false,
	} {
		var m message
		if got := flat([]byte(body), reflect.ValueOf(&m).Elem(), "text"); got != want {
			t.Errorf("%s: %t", body, got)
		}
	}
}

// FuzzFlat holds what is decoded so against the walker.
func FuzzFlat(f *testing.F) {
	for _, body := range []string{`{"text":"hello"}`, ` { "kind" : "a" , "text" : "b" } `, `{"text":"a","text":"a"}`, `{"text":""}`, `{"text":"a","kind":""}`, `{"text":"\n"}`, `{"other":"a","text":"b"}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got, want message
		if !flat(body, reflect.ValueOf(&got).Elem(), "text") {
			return
		}
		if err := decode(body, &want, "text"); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %+v, want %+v, %v", body, got, want, err)
		}
	})
}
