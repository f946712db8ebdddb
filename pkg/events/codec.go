package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Message is an event as a log stores it.
type Message struct {
	Key     []byte
	Value   []byte
	Headers []Header
}

// Header is a record header.
type Header struct {
	Key   string
	Value []byte
}

// Names of the record headers, from the CloudEvents Kafka protocol binding.
const (
	HeaderID          = "ce_id"
	HeaderType        = "ce_type"
	HeaderSource      = "ce_source"  // the tenant
	HeaderSubject     = "ce_subject" // the room
	HeaderTime        = "ce_time"
	HeaderExpiry      = "ce_expirytime"
	HeaderSpecVersion = "ce_specversion"
	HeaderContentKey  = "ce_contentkey"
	HeaderTraceParent = "traceparent"
	HeaderContentType = "content-type"
)

const (
	specVersion = "1.0"
	contentType = "application/json"
)

var (
	// ErrNotAnEvent says that a record is no event and will be none in any later
	// version: it lacks the envelope, or its body is not what its type says.
	ErrNotAnEvent = errors.New("not an event")
	// ErrTooLarge says that an event has more than [MaxEvent] bytes.
	ErrTooLarge = errors.New("event too large")
	// ErrUnstorable says that an event holds text that no store takes: U+0000 or
	// invalid UTF-8.
	ErrUnstorable = errors.New("event holds U+0000 or invalid UTF-8")
)

type body struct {
	Facts   json.RawMessage `json:"facts"`
	Content json.RawMessage `json:"content"`
}

// Encode writes an event for the log. Errors: [ErrInvalidID], [ErrTooLarge],
// [ErrUnstorable], or facts that contradict the type.
func Encode(e *Event) (Message, error) {
	if e.Facts == nil || e.Facts.EventType() != e.Type {
		return Message{}, fmt.Errorf("encode event: facts are not those of %q", e.Type)
	}
	for _, err := range []error{
		checkID("event", string(e.ID)), checkID("tenant", string(e.Tenant)),
		checkID("room", string(e.Room)), checkID("sender", string(e.Facts.By().Sender)),
	} {
		if err != nil {
			return Message{}, fmt.Errorf("encode event: %w", err)
		}
	}
	facts, err := json.Marshal(e.Facts)
	if err != nil {
		return Message{}, fmt.Errorf("encode facts: %w", err)
	}
	content := e.Content
	if content == nil {
		content = json.RawMessage("{}")
	}
	value := make([]byte, 0, len(facts)+len(content)+24)
	value = append(value, `{"facts":`...)
	value = append(value, facts...)
	value = append(value, `,"content":`...)
	value = append(value, content...)
	value = append(value, '}')
	switch {
	case !json.Valid(content):
		return Message{}, errors.New("encode event: content is not JSON")
	case !storable(value):
		return Message{}, ErrUnstorable
	}
	m := Message{Key: []byte(e.Key()), Value: value, Headers: make([]Header, 0, 10)}
	set := func(k, v string) {
		if v != "" {
			m.Headers = append(m.Headers, Header{k, []byte(v)})
		}
	}
	set(HeaderSpecVersion, specVersion)
	set(HeaderID, string(e.ID))
	set(HeaderType, string(e.Type))
	set(HeaderSource, string(e.Tenant))
	set(HeaderSubject, string(e.Room))
	set(HeaderTime, formatTime(e.Time))
	set(HeaderExpiry, formatTime(e.Expires))
	set(HeaderContentType, contentType)
	set(HeaderContentKey, e.ContentKey)
	set(HeaderTraceParent, e.TraceParent)
	if n := m.Size(); n > MaxEvent {
		return Message{}, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, n, MaxEvent)
	}
	return m, nil
}

// Size is the number of bytes of key, headers and value.
func (m Message) Size() int {
	n := len(m.Key) + len(m.Value)
	for _, h := range m.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// Header gives the first header of that name, or "".
func (m Message) Header(name string) string {
	for _, h := range m.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// Decode reads a record. An event of a type that this program does not know
// comes back with nil Facts and no error; a record that is no event is
// [ErrNotAnEvent] with the reason. The answer depends on the record alone.
func Decode(m Message) (Event, error) {
	e, err := decodeEnvelope(m)
	if err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrNotAnEvent, err)
	}
	decode, known := decoders[e.Type]
	if !known {
		return e, nil
	}
	if err := decodeBody(&e, m.Value, decode); err != nil {
		return Event{}, fmt.Errorf("%w: %s: %w", ErrNotAnEvent, e.Type, err)
	}
	return e, nil
}

func decodeEnvelope(m Message) (e Event, err error) {
	var source, subject, id, typ, version, at, expires string
	for _, h := range m.Headers {
		switch h.Key {
		case HeaderSpecVersion:
			version = string(h.Value)
		case HeaderID:
			id = string(h.Value)
		case HeaderType:
			typ = string(h.Value)
		case HeaderSource:
			source = string(h.Value)
		case HeaderSubject:
			subject = string(h.Value)
		case HeaderTime:
			at = string(h.Value)
		case HeaderExpiry:
			expires = string(h.Value)
		case HeaderContentKey:
			e.ContentKey = string(h.Value)
		case HeaderTraceParent:
			e.TraceParent = string(h.Value)
		}
	}
	if version != specVersion {
		return e, fmt.Errorf("%s is %.20q, not %q", HeaderSpecVersion, version, specVersion)
	}
	if e.ID, err = ParseEventID(id); err != nil {
		return e, fmt.Errorf("%s: %w", HeaderID, err)
	}
	if e.Tenant, err = ParseTenant(source); err != nil {
		return e, fmt.Errorf("%s: %w", HeaderSource, err)
	}
	if e.Room, err = ParseRoomID(subject); err != nil {
		return e, fmt.Errorf("%s: %w", HeaderSubject, err)
	}
	if e.Type = Type(typ); checkID("type", typ) != nil {
		return e, fmt.Errorf("%s is not a type", HeaderType)
	}
	if string(m.Key) != e.Key() {
		return e, errors.New("the key is not that of the tenant and room in the headers")
	}
	if e.Time, err = parseTime(at); err != nil {
		return e, fmt.Errorf("%s: %w", HeaderTime, err)
	}
	if e.Expires, err = parseTime(expires); err != nil {
		return e, fmt.Errorf("%s: %w", HeaderExpiry, err)
	}
	if !utf8.ValidString(e.ContentKey) || !utf8.ValidString(e.TraceParent) {
		return e, errors.New("a header is not UTF-8")
	}
	return e, nil
}

func decodeBody(e *Event, value []byte, decode func([]byte) (Facts, error)) error {
	if !storable(value) {
		return ErrUnstorable
	}
	var b body
	if err := json.Unmarshal(value, &b); err != nil {
		return err
	}
	if len(b.Facts) == 0 || b.Facts[0] != '{' {
		return errors.New("facts are not a JSON object")
	}
	if len(b.Content) == 0 || b.Content[0] != '{' && b.Content[0] != '"' {
		return errors.New("content is neither a JSON object nor a string")
	}
	f, err := decode(b.Facts)
	if err != nil {
		return err
	}
	e.Facts, e.RawFacts, e.Content = f, b.Facts, b.Content
	return checkID("sender", string(f.By().Sender))
}

// decoders has every type and version ever written.
var decoders = map[Type]func([]byte) (Facts, error){
	TypeRoomCreated:   decodeFacts[RoomCreated],
	TypeMemberChanged: decodeFacts[MemberChanged],
	TypeMessagePosted: decodeFacts[MessagePosted],
}

func decodeFacts[F Facts](b []byte) (Facts, error) {
	var f F
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	return f, nil
}

// storable reports whether every store takes b as text, and the strings in it:
// valid UTF-8 without U+0000, escaped or not.
func storable(b []byte) bool {
	if !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		return false
	}
	for rest := b; ; {
		i := bytes.Index(rest, []byte(`\u0000`))
		if i < 0 {
			return true
		}
		slashes := 0
		for j := i - 1; j >= 0 && rest[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 0 {
			return false
		}
		rest = rest[i+1:]
	}
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, err
	}
	return t.UTC().Truncate(time.Millisecond), nil
}
