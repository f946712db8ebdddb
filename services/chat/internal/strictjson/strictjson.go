// Package strictjson decodes the JSON bodies of requests, and accepts nothing
// that the caller's type does not name: no unknown or doubled keys, no keys that
// differ in case only, no nulls in place of values, no empty strings in fields with
// omitempty, which would read as if they were not there, no invalid UTF-8, no
// U+0000, no deep nesting. What it refuses it names.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// MaxDepth is how deep objects and arrays may be nested.
const MaxDepth = 32

// Decode reads an object into the struct that into points at. Fields of type
// json.RawMessage take any object. The required fields are those of the top
// level that must be there. Errors are problems.
func Decode(body []byte, into any, required ...string) error {
	if !utf8.Valid(body) {
		return problem.New(problem.InvalidUTF8, "the body is not UTF-8")
	}
	w := walker{dec: json.NewDecoder(bytes.NewReader(body))}
	w.dec.UseNumber()
	seen, err := w.top(reflect.TypeOf(into).Elem())
	if err != nil {
		return err
	}
	for _, f := range required {
		if !seen[f] {
			return problem.In(problem.MissingField, f, "the field is required")
		}
	}
	return unmarshal(body, into)
}

func unmarshal(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return problem.In(problem.InvalidField, wrong.Field, "a JSON "+wrong.Value+" cannot stand here")
	}
	return problem.Caused(problem.InvalidField, "a value is not of the form that its field needs", err)
}

// walker checks a document against a type, token by token.
type walker struct {
	dec   *json.Decoder
	depth int
	nulls bool // may stand in the place of any value, but within arrays
}

func (w *walker) top(t reflect.Type) (map[string]bool, error) {
	tok, err := w.dec.Token()
	if err != nil {
		return nil, malformed(err)
	}
	if tok != json.Delim('{') {
		return nil, problem.New(problem.InvalidJSON, "the body is not a JSON object")
	}
	seen, err := w.object(t, "")
	if err != nil {
		return nil, err
	}
	if _, err := w.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, problem.New(problem.InvalidJSON, "there is something behind the JSON object")
	}
	return seen, nil
}

// value checks the next value; a nil type takes anything.
func (w *walker) value(f field, path string) error {
	tok, err := w.dec.Token()
	if err != nil {
		return malformed(err)
	}
	t := f.Type
	switch tok := tok.(type) {
	case nil:
		if w.nulls {
			return nil
		}
		if t != nil {
			return problem.In(problem.InvalidField, path, "null cannot stand here: leave the field out")
		}
	case string:
		if err := checkString(tok, path); err != nil {
			return err
		}
		if tok == "" && f.optional {
			return problem.In(problem.InvalidField, path, "an empty string cannot stand here")
		}
	case json.Delim:
		if tok == '{' {
			if t == rawMessage {
				t = nil
			}
			_, err := w.object(t, path)
			return err
		}
		if t == rawMessage {
			return notAnObject(path)
		}
		return w.array(t, path)
	}
	if t == rawMessage {
		return notAnObject(path)
	}
	return nil
}

func (w *walker) object(t reflect.Type, path string) (map[string]bool, error) {
	if err := w.deeper(); err != nil {
		return nil, err
	}
	fields := fieldsOf(t)
	seen := make(map[string]bool, 8)
	for w.dec.More() {
		tok, err := w.dec.Token()
		if err != nil {
			return nil, malformed(err)
		}
		key := tok.(string) // the decoder takes no other
		at := join(path, key)
		if err := checkString(key, at); err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, problem.In(problem.DuplicateField, at, "the field is there twice")
		}
		seen[key] = true
		f, known := fields[key]
		if fields != nil && !known {
			return nil, problem.In(problem.UnknownField, fmt.Sprintf("%.128s", at), fmt.Sprintf("there is no field %.128q", at))
		}
		if t != nil && t.Kind() == reflect.Map {
			f.Type = t.Elem()
		}
		if err := w.value(f, at); err != nil {
			return nil, err
		}
	}
	return seen, w.end()
}

func (w *walker) array(t reflect.Type, path string) error {
	if err := w.deeper(); err != nil {
		return err
	}
	if t != nil && t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	defer func(before bool) { w.nulls = before }(w.nulls)
	w.nulls = false // a merge patch takes an array as it is
	for i := 0; w.dec.More(); i++ {
		if err := w.value(field{Type: t}, path+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	return w.end()
}

func (w *walker) deeper() error {
	if w.depth++; w.depth > MaxDepth {
		return problem.New(problem.JSONTooDeep, fmt.Sprintf("objects and arrays may be nested %d deep", MaxDepth))
	}
	return nil
}

// end takes the closing bracket.
func (w *walker) end() error {
	w.depth--
	if _, err := w.dec.Token(); err != nil {
		return malformed(err)
	}
	return nil
}

var (
	rawMessage = reflect.TypeFor[json.RawMessage]()
	fieldCache sync.Map // reflect.Type → map[string]field
)

// field is a place for a value.
type field struct {
	reflect.Type
	// optional is a field with omitempty.
	optional bool
}

// fieldsOf names the fields of a struct; nil where any key is allowed.
func fieldsOf(t reflect.Type) map[string]field {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	if m, ok := fieldCache.Load(t); ok {
		return m.(map[string]field)
	}
	m := make(map[string]field, t.NumField())
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		m[name] = field{f.Type, options == "omitempty"}
	}
	fieldCache.Store(t, m)
	return m
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func checkString(s, path string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return problem.In(problem.InvalidCharacter, path, "U+0000 cannot be stored")
	}
	return nil
}

func notAnObject(path string) error {
	return problem.In(problem.InvalidField, path, "this must be a JSON object")
}

func malformed(err error) error {
	return problem.Caused(problem.InvalidJSON, "the body is not JSON", err)
}
