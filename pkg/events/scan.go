package events

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// scanBody reads the value of a record, {"facts": …, "content": …}, by rules of
// its own: what is an event must not depend on the release of a JSON library.
//
// Everywhere: one JSON text (RFC 8259) with nothing behind it, and nothing that is
// [ErrUnstorable]. In the body and in the facts at any depth: names of a–z 0–9 _
// without escapes, none twice in an object, so that no reader can take a name
// for another (encoding/json ignores case, and takes the last of two). Content
// may have any names.
//
// known are the names that the facts have in this program; complete is false
// where there is another: a newer program's, whose meaning this one cannot know.
// The parts alias value.
func scanBody(value []byte, known *names) (facts, content []byte, complete bool, err error) {
	s := scanner{b: value}
	if !utf8.Valid(value) {
		return nil, nil, false, errNotUnicode
	}
	var others set
	s.space()
	err = s.object(func(name []byte) error {
		start := s.i
		switch {
		case !plainName(name):
			return fmt.Errorf("name %.40q", name)
		case string(name) == "facts" && facts == nil:
			err := s.value(known)
			facts = s.b[start:s.i:s.i]
			return err
		case string(name) == "content" && content == nil:
			err := s.value(anyNames)
			content = s.b[start:s.i:s.i]
			return err
		case string(name) == "facts", string(name) == "content", !others.add(name):
			return fmt.Errorf("name %.40q stands twice", name)
		}
		s.unknown = true
		return s.value(anyNames)
	})
	switch s.space(); {
	case err != nil:
	case s.i != len(s.b):
		err = s.unexpected()
	case facts == nil || facts[0] != '{':
		err = errors.New("facts are not a JSON object")
	case content == nil || !isContent(content):
		err = errContent
	}
	if err != nil {
		return nil, nil, false, err
	}
	return facts, content, !s.unknown, nil
}

// scanContent checks content that is to be written, by the same rules, and
// gives it without the white space around it.
func scanContent(content []byte) ([]byte, error) {
	if !utf8.Valid(content) {
		return nil, errNotUnicode
	}
	s := scanner{b: content, depth: 1} // in the body
	s.space()
	start := s.i
	if err := s.value(anyNames); err != nil {
		return nil, err
	}
	end := s.i
	if s.space(); s.i != len(s.b) {
		return nil, s.unexpected()
	}
	if content = content[start:end]; !isContent(content) {
		return nil, errContent
	}
	return content, nil
}

var (
	errContent    = errors.New("content is neither a JSON object nor a string")
	errNotUnicode = fmt.Errorf("%w: text that is not Unicode", ErrUnstorable)
	errNUL        = fmt.Errorf("%w: U+0000", ErrUnstorable)
	errTooDeep    = fmt.Errorf("%w: JSON nested deeper than %d", ErrUnstorable, MaxDepth)
)

func isContent(b []byte) bool { return b[0] == '{' || b[0] == '"' }

// scanner walks JSON. Its methods stand at the first byte of what they read and
// leave i behind the last.
type scanner struct {
	b       []byte
	i       int
	depth   int
	unknown bool // a name was none of the known ones
}

// value reads any value. Objects in it have the known names, or any.
func (s *scanner) value(known *names) error {
	switch s.peek() {
	case '{':
		if known == anyNames {
			return s.object(func([]byte) error { return s.value(anyNames) })
		}
		return s.facts(known)
	case '[':
		return s.array(known)
	case '"':
		_, err := s.text()
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	return s.number()
}

// facts reads an object of facts.
func (s *scanner) facts(known *names) error {
	var seen uint64
	var others set
	return s.object(func(name []byte) error {
		if !plainName(name) {
			return fmt.Errorf("name %.40q", name)
		}
		field, ok := known.fields[string(name)]
		if ok && seen&field.bit != 0 || !ok && !others.add(name) {
			return fmt.Errorf("name %.40q stands twice", name)
		}
		if seen |= field.bit; !ok {
			s.unknown = true
			return s.value(noNames)
		}
		return s.value(field.names)
	})
}

// object reads an object; member is called behind each name's colon and reads
// the value.
func (s *scanner) object(member func(name []byte) error) error {
	return s.list('{', '}', func() error {
		name, err := s.text()
		if err != nil {
			return err
		}
		if s.space(); s.peek() != ':' {
			return s.unexpected()
		}
		s.i++
		s.space()
		return member(name)
	})
}

func (s *scanner) array(known *names) error {
	return s.list('[', ']', func() error { return s.value(known) })
}

func (s *scanner) list(opening, closing byte, element func() error) error {
	if s.peek() != opening {
		return s.unexpected()
	}
	if s.depth++; s.depth > MaxDepth {
		return errTooDeep
	}
	s.i++
	if s.space(); s.peek() == closing {
		s.i++
		s.depth--
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case closing:
			s.i++
			s.depth--
			return nil
		case ',':
			s.i++
			s.space()
		default:
			return s.unexpected()
		}
	}
}

// text reads a string and gives what stands between its quotes.
func (s *scanner) text() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.unexpected()
	}
	s.i++
	for start := s.i; s.i < len(s.b); {
		s.i += PlainPrefix(s.b[s.i:])
		if s.i == len(s.b) {
			break
		}
		switch s.b[s.i] {
		case '"':
			s.i++
			return s.b[start : s.i-1], nil
		case '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		default: // a control character
			return nil, s.unexpected()
		}
	}
	return nil, s.unexpected()
}

// PlainPrefix is how many bytes of a JSON string come before the first quote, backslash or
// control character. It looks at eight at a time: texts are most of what is scanned.
func PlainPrefix(b []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, escape := w^'"'*ones, w^'\\'*ones
		// The top bit of a byte is set where the byte is less than that many; where it is
		// no less, only above one that is.
		less := (w-' '*ones)&^w | (quote-ones)&^quote | (escape-ones)&^escape
		if less &= tops; less != 0 {
			return i + bits.TrailingZeros64(less)/8
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

func (s *scanner) escape() error {
	s.i++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i++
		return nil
	case 'u':
	default:
		return s.unexpected()
	}
	r, err := s.hex()
	switch {
	case err != nil:
		return err
	case r == 0:
		return errNUL
	case r < 0xd800 || r > 0xdfff:
		return nil
	case r > 0xdbff || s.peek() != '\\': // the second half of a pair, or a first one alone
		return errNotUnicode
	}
	if s.i++; s.peek() != 'u' {
		return errNotUnicode
	}
	if r, err = s.hex(); err == nil && (r < 0xdc00 || r > 0xdfff) {
		return errNotUnicode
	}
	return err
}

// hex reads u and four digits.
func (s *scanner) hex() (r rune, err error) {
	for range 4 {
		s.i++
		c := s.peek()
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, s.unexpected()
		}
	}
	s.i++
	return r, nil
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.i++
	}
	if s.peek() == '0' {
		s.i++
	} else if !s.digits() {
		return s.unexpected()
	}
	if s.peek() == '.' {
		if s.i++; !s.digits() {
			return s.unexpected()
		}
	}
	if s.peek()|0x20 == 'e' {
		if s.i++; s.peek() == '+' || s.peek() == '-' {
			s.i++
		}
		if !s.digits() {
			return s.unexpected()
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	start := s.i
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.i++
	}
	return s.i > start
}

func (s *scanner) literal(word string) error {
	for i := range len(word) {
		if s.peek() != word[i] {
			return s.unexpected()
		}
		s.i++
	}
	return nil
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// peek gives the byte at i, or 0 at the end.
func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) unexpected() error {
	if s.i >= len(s.b) {
		return errors.New("not JSON: it ends too early")
	}
	return fmt.Errorf("not JSON: %q at byte %d", s.b[s.i], s.i)
}

// set has names that no type knows; there are none in most records.
type set map[string]bool

// add reports whether the name is new.
func (s *set) add(name []byte) bool {
	if (*s)[string(name)] {
		return false
	}
	if *s == nil {
		*s = set{}
	}
	(*s)[string(name)] = true
	return true
}

func plainName(name []byte) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return len(name) > 0
}
