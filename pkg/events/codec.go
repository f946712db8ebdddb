package events

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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
	// envelopeBytes is more than most events' headers have together besides ids.
	envelopeBytes = 96
)

var (
	// ErrNotAnEvent says that a record is no event and will be none in any later
	// version: it lacks the envelope, or its body is not what its type says.
	ErrNotAnEvent = errors.New("not an event")
	// ErrTooLarge says that an event has more than [MaxEvent] bytes.
	ErrTooLarge = errors.New("event too large")
	// ErrUnstorable says that an event holds what not every store and reader
	// takes: U+0000, text that is not Unicode (invalid UTF-8, half of a surrogate
	// pair), JSON nested deeper than [MaxDepth].
	ErrUnstorable = errors.New("event holds what cannot be stored")
)

// Encode writes an event for the log, its facts in the newest version of their
// shape; [Decode] reads every event that it writes.
// Times are cut to the millisecond. Errors: [ErrInvalidID], [ErrTooLarge],
// [ErrUnstorable], facts that contradict the type, content that is neither an
// object nor a string, a time outside of the years 1 to 9999.
func Encode(e *Event) (Message, error) { return new(Encoder).Encode(e) }

// An Encoder writes events one after the other, each into the memory of the one before.
type Encoder struct {
	bytes   []byte
	headers [10]Header
}

// Encode is [Encode] of a message that is good until the next one.
func (enc *Encoder) Encode(e *Event) (Message, error) {
	m, err := enc.encode(e)
	if err != nil {
		return Message{}, fmt.Errorf("encode event: %w", err)
	}
	if n := m.Size(); n > MaxEvent {
		return Message{}, fmt.Errorf("encode event: %w: %d bytes, the limit is %d", ErrTooLarge, n, MaxEvent)
	}
	return m, nil
}

func (enc *Encoder) encode(e *Event) (Message, error) {
	if e.Facts == nil || e.Facts.EventType() != e.Type {
		return Message{}, fmt.Errorf("facts are not those of %q", e.Type)
	}
	if err := checkEnvelope(e); err != nil {
		return Message{}, err
	}
	if err := checkFacts(e.Facts); err != nil {
		return Message{}, err
	}
	m, key := Message{Headers: enc.headers[:0]}, e.Key()
	b := slices.Grow(enc.bytes[:0], envelopeBytes+2*len(key)+len(e.ID)+len(e.TraceParent)+factsBytes+len(e.Content)) // of all of it
	b = append(b, key...)
	m.Key = slices.Clip(b)
	start := len(b)
	add := func(name string) { // what was written since the last one
		if len(b) > start {
			m.Headers = append(m.Headers, Header{name, b[start:len(b):len(b)]})
		}
		start = len(b)
	}
	set := func(name, v string) {
		b = append(b, v...)
		add(name)
	}
	set(HeaderSpecVersion, specVersion)
	set(HeaderID, string(e.ID))
	set(HeaderType, e.Type.Versioned(Newest(e.Type)))
	set(HeaderSource, string(e.Tenant))
	set(HeaderSubject, string(e.Room))
	var err error
	if b, err = appendTime(b, e.Time); err != nil {
		return Message{}, err
	}
	add(HeaderTime)
	if b, err = appendTime(b, e.Expires); err != nil {
		return Message{}, err
	}
	add(HeaderExpiry)
	set(HeaderContentType, contentType)
	set(HeaderContentKey, e.ContentKey)
	set(HeaderTraceParent, traceParent(e.TraceParent))
	b, err = appendBody(b, e)
	m.Value, enc.bytes = b[start:], b
	return m, err
}

func appendBody(b []byte, e *Event) (_ []byte, err error) {
	content := []byte("{}")
	if e.Content != nil {
		if content, err = scanContent(e.Content); err != nil {
			return b, fmt.Errorf("content: %w", err)
		}
	}
	if b, err = appendFacts(append(b, `{"facts":`...), e.Facts); err != nil {
		return b, fmt.Errorf("facts: %w", err)
	}
	b = append(append(b, `,"content":`...), content...)
	return append(b, '}'), nil
}

// checkEnvelope checks what the headers say, apart from times and type.
func checkEnvelope(e *Event) error {
	if _, err := ParseEventID(string(e.ID)); err != nil {
		return fmt.Errorf("%s: %w", HeaderID, err)
	}
	if _, err := ParseTenant(string(e.Tenant)); err != nil {
		return fmt.Errorf("%s: %w", HeaderSource, err)
	}
	if _, err := ParseRoomID(string(e.Room)); err != nil {
		return fmt.Errorf("%s: %w", HeaderSubject, err)
	}
	if err := checkText(e.ContentKey); err != nil {
		return fmt.Errorf("%s: %w", HeaderContentKey, err)
	}
	return nil
}

// checkFacts refuses facts that cannot be written: ids that are none, text that
// is not storable. Whether they make sense is the fold's to say.
func checkFacts(f Facts) error {
	by := f.By()
	if _, err := ParseUserID(string(by.Sender)); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	ids := factIDs{}
	text := append(make([]string, 0, 2), by.Digest) // as many as a message has
	switch f := f.(type) {
	case RoomCreated:
		ids.user("with", f.With)
		text = append(append(text, string(f.Kind)), settingsText(f.Settings)...)
	case RoomUpdated:
		text = append(text, settingsText(f.Settings)...)
	case RoomDeleted, RulesUpgraded, PreferencesChanged, TokensRevoked:
	case MemberChanged:
		if f.Target == "" {
			return fmt.Errorf("target: %w", ErrInvalidID)
		}
		ids.user("target", f.Target)
		text = append(text, string(f.Membership), string(f.Role))
	case MarkMoved:
		ids.event("thread", f.ThreadRoot)
		text = append(text, string(f.Mark))
	case MessagePosted:
		ids.event("reply", f.ReplyTo, f.ThreadRoot)
		ids.user("mention", f.Mentions...)
		text = append(text, f.Kind)
	case MessageEdited:
		ids.event("target", f.Target)
		ids.user("mention", f.Mentions...)
	case MessageRedacted:
		ids.event("target", f.Target)
		ids.user("author", f.Range.Author)
	case MessagePinned:
		ids.event("target", f.Target)
	case MessageUnpinned:
		ids.event("target", f.Target)
	case ReactionAdded:
		ids.event("target", f.Target)
		text = append(text, f.Key)
	case ReactionRemoved:
		ids.event("target", f.Target)
		text = append(text, f.Key)
	default:
		return fmt.Errorf("%T are not facts of this contract", f)
	}
	if ids.err != nil {
		return ids.err
	}
	for _, s := range text {
		if err := checkText(s); err != nil {
			return err
		}
	}
	return nil
}

// factIDs checks ids and keeps the first error. One that is absent is none.
type factIDs struct{ err error }

func (c *factIDs) event(what string, ids ...EventID) {
	for _, id := range ids {
		if id != "" && c.err == nil {
			c.check(what, checkID("event", string(id)))
		}
	}
}

func (c *factIDs) user(what string, ids ...UserID) {
	for _, id := range ids {
		if (id != "" || what == "mention") && c.err == nil {
			c.check(what, checkID("user", string(id)))
		}
	}
}

func (c *factIDs) check(what string, err error) {
	if err != nil {
		c.err = fmt.Errorf("%s: %w", what, err)
	}
}

func settingsText(s RoomSettings) []string {
	p := s.Permissions
	return []string{
		string(s.History), string(s.ReadMarks),
		string(p.Post), string(p.React), string(p.Invite), string(p.Pin), string(p.MentionRoom), string(p.Update),
	}
}

// checkText checks text outside of JSON.
func checkText(s string) error {
	switch {
	case !utf8.ValidString(s):
		return errNotUnicode
	case strings.IndexByte(s, 0) >= 0:
		return errNUL
	}
	return nil
}

// traceParent gives the trace context where it can be one, else "": nothing is
// judged by it, so nothing fails by it.
func traceParent(s string) string {
	const longest = 128 // W3C's version 00 has 55
	if len(s) > longest {
		return ""
	}
	for i := range len(s) {
		if !idBytes[s[i]] {
			return ""
		}
	}
	return s
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
