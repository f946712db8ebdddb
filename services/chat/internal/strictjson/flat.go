package strictjson

import (
	"reflect"
	"unicode/utf8"

	"github.com/roomlog/roomlog/pkg/events"
)

// flat decodes an object that has nothing but strings without escapes, as most bodies
// are. It reports whether it did: any other body, a bad one too, is left to [decode],
// which decodes again what was decoded by then.
func flat(body []byte, into reflect.Value, required string) bool {
	fields := fieldsOf(into.Type())
	if len(fields) > 64 || !utf8.Valid(body) { // seen has so many bits
		return false
	}
	var seen uint64
	in := flatReader(body)
	more := in.token('{')
	for more {
		name, named := in.text()
		between := in.token(':')
		value, ok := in.text()
		f := fields[string(name)]
		if !named || !between || !ok || !f.text || f.optional && len(value) == 0 || seen&(1<<f.at) != 0 {
			return false
		}
		seen |= 1 << f.at
		into.Field(f.at).SetString(string(value))
		more = in.token(',')
	}
	if seen == 0 || !in.token('}') || !in.end() {
		return false
	}
	f, ok := fields[required]
	return required == "" || ok && seen&(1<<f.at) != 0
}

// flatReader is what is left of a body.
type flatReader []byte

// token takes a byte, and the white space before it, where it comes next.
func (r *flatReader) token(c byte) bool {
	r.space()
	if len(*r) == 0 || (*r)[0] != c {
		return false
	}
	*r = (*r)[1:]
	return true
}

// text takes a string without escapes, and gives what is between its quotes.
func (r *flatReader) text() (text []byte, ok bool) {
	if !r.token('"') {
		return nil, false
	}
	n := events.PlainPrefix(*r)
	if n == len(*r) || (*r)[n] != '"' {
		return nil, false
	}
	text, *r = (*r)[:n], (*r)[n+1:]
	return text, true
}

func (r *flatReader) space() {
	for len(*r) > 0 {
		switch (*r)[0] {
		case ' ', '\t', '\r', '\n':
			*r = (*r)[1:]
		default:
			return
		}
	}
}

// end reports whether there is nothing left but white space.
func (r *flatReader) end() bool {
	r.space()
	return len(*r) == 0
}
