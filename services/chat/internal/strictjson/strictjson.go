// Package strictjson decodes the JSON bodies of requests, and accepts nothing
// that the caller's type does not name: no unknown or doubled keys, no keys that
// differ in case only, no nulls in place of values, no empty strings in fields with
// omitempty, which would read as if they were not there, no invalid UTF-8, no
// U+0000, no deep nesting. What it refuses it names.
package strictjson

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// MaxDepth is how deep objects and arrays may be nested.
const MaxDepth = 32

// Decode reads an object into the struct that into points at. Fields of type
// json.RawMessage take any object. The required field is one of the top level that
// must be there; empty: none. Errors are problems.
func Decode(body []byte, into any, required string) error {
	if flat(body, reflect.ValueOf(into).Elem(), required) {
		return nil
	}
	return decode(body, into, required)
}

// decode is [Decode] of any body.
func decode(body []byte, into any, required string) error {
	w := walker{missing: required}
	if err := w.walk(body, reflect.TypeOf(into).Elem()); err != nil {
		return err
	}
	if w.missing != "" {
		return problem.In(problem.MissingField, w.missing, "the field is required")
	}
	return unmarshal(body, into)
}

// unmarshal is [json.Unmarshal], done by its successor: what that does not take is
// left to the other, for its errors name fields as clients know them.
func unmarshal(body []byte, into any) error {
	if jsonv1.Unmarshal(body, into) == nil {
		return nil
	}
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
	dec     jsontext.Decoder // keeps names apart, and knows where it is
	nulls   bool             // may stand in the place of any value, but within arrays
	missing string           // the name that the document must have, and has not so far
}

// walk checks an object against a struct.
func (w *walker) walk(body []byte, t reflect.Type) error {
	if !utf8.Valid(body) {
		return problem.New(problem.InvalidUTF8, "the body is not UTF-8")
	}
	// Halves of surrogate pairs become U+FFFD, as in encoding/json.
	w.dec.Reset(bytes.NewBuffer(body), jsontext.AllowInvalidUTF8(true))
	switch tok, err := w.dec.ReadToken(); {
	case err != nil:
		return w.malformed(err)
	case tok.Kind() != jsontext.KindBeginObject:
		return problem.New(problem.InvalidJSON, "the body is not a JSON object")
	}
	if err := w.object(t); err != nil {
		return err
	}
	if _, err := w.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return problem.New(problem.InvalidJSON, "there is something behind the JSON object")
	}
	return nil
}

// value checks the next value; a nil type takes anything.
func (w *walker) value(f field) error {
	kind := w.dec.PeekKind()
	if kind == jsontext.KindBeginObject || kind == jsontext.KindBeginArray {
		if _, err := w.dec.ReadToken(); err != nil {
			return w.malformed(err)
		}
		switch {
		case kind == jsontext.KindBeginArray && f.Type == rawMessage:
			return w.notAnObject()
		case kind == jsontext.KindBeginArray:
			return w.array(f.Type)
		case f.Type == rawMessage:
			return w.object(nil)
		}
		return w.object(f.Type)
	}
	v, err := w.dec.ReadValue()
	if err != nil {
		return w.malformed(err)
	}
	switch kind {
	case jsontext.KindNull:
		if w.nulls {
			return nil
		}
		if f.Type != nil {
			return problem.In(problem.InvalidField, w.path(), "null cannot stand here: leave the field out")
		}
	case jsontext.KindString:
		if err := w.checkString(v); err != nil {
			return err
		}
		if len(v) == len(`""`) && f.optional {
			return problem.In(problem.InvalidField, w.path(), "an empty string cannot stand here")
		}
	default: // numbers and truth values: the type says whether they can stand here
	}
	if f.Type == rawMessage {
		return w.notAnObject()
	}
	return nil
}

// object checks what is behind an opening brace, and takes the closing one.
func (w *walker) object(t reflect.Type) error {
	if err := w.checkDepth(); err != nil {
		return err
	}
	fields := fieldsOf(t)
	for w.dec.PeekKind() != jsontext.KindEndObject {
		quoted, err := w.dec.ReadValue()
		if err != nil {
			return w.malformed(err)
		}
		if err := w.checkString(quoted); err != nil {
			return err
		}
		name := unquote(quoted)
		f, known := fields[string(name)]
		if fields != nil && !known {
			at := w.path()
			return problem.In(problem.UnknownField, fmt.Sprintf("%.128s", at), fmt.Sprintf("there is no field %.128q", at))
		}
		if w.dec.StackDepth() == 1 {
			if w.missing == string(name) {
				w.missing = ""
			}
		}
		if t != nil && t.Kind() == reflect.Map {
			f.Type = t.Elem()
		}
		if err := w.value(f); err != nil {
			return err
		}
	}
	return w.end()
}

// array checks what is behind an opening bracket, and takes the closing one.
func (w *walker) array(t reflect.Type) error {
	if err := w.checkDepth(); err != nil {
		return err
	}
	if t != nil && t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	defer func(before bool) { w.nulls = before }(w.nulls)
	w.nulls = false // a merge patch takes an array as it is
	for w.dec.PeekKind() != jsontext.KindEndArray {
		if err := w.value(field{Type: t}); err != nil {
			return err
		}
	}
	return w.end()
}

func (w *walker) checkDepth() error {
	if w.dec.StackDepth() > MaxDepth {
		return problem.New(problem.JSONTooDeep, fmt.Sprintf("objects and arrays may be nested %d deep", MaxDepth))
	}
	return nil
}

func (w *walker) end() error {
	if _, err := w.dec.ReadToken(); err != nil {
		return w.malformed(err)
	}
	return nil
}

// checkString checks a name or a string that was just read, in its quotes.
func (w *walker) checkString(quoted jsontext.Value) error {
	if bytes.Contains(quoted, []byte(`\u0000`)) && bytes.IndexByte(unquote(quoted), 0) >= 0 {
		return problem.In(problem.InvalidCharacter, w.path(), "U+0000 cannot be stored")
	}
	return nil
}

// unquote gives what a JSON string says.
func unquote(quoted jsontext.Value) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	plain, _ := jsontext.AppendUnquote(nil, quoted) // halves of surrogate pairs are replaced
	return plain
}

func (w *walker) notAnObject() error {
	return problem.In(problem.InvalidField, w.path(), "this must be a JSON object")
}

func (w *walker) malformed(err error) error {
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok && errors.Is(err, jsontext.ErrDuplicateName) {
		return problem.In(problem.DuplicateField, w.pathOf(syntax.JSONPointer), "the field is there twice")
	}
	return problem.Caused(problem.InvalidJSON, "the body is not JSON", err)
}

// path names what was just read.
func (w *walker) path() string { return w.pathOf(w.dec.StackPointer()) }

// pathOf writes a pointer into what is open now: list[0].name.
func (w *walker) pathOf(p jsontext.Pointer) string {
	var b strings.Builder
	depth := 0
	for name := range p.Tokens() {
		depth++
		switch kind, _ := w.dec.StackIndex(depth); {
		case kind == jsontext.KindBeginArray:
			b.WriteString("[" + name + "]")
		case b.Len() > 0:
			b.WriteString("." + name)
		default:
			b.WriteString(name)
		}
	}
	return b.String()
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
	at       int  // in the struct
	text     bool // it is a string, and nothing else has a say in how that is read
}

func isText(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Kind() == reflect.String && !p.Implements(reflect.TypeFor[json.Unmarshaler]()) && !p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
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
		m[name] = field{f.Type, options == "omitempty", f.Index[0], isText(f.Type)}
	}
	fieldCache.Store(t, m)
	return m
}
