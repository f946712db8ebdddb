package events

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Decode reads a record. The answer depends on the record alone, and is for
// ever: what is not an event ([ErrNotAnEvent], with the reason) will be none in
// any later version, what is one stays one.
//
// Facts of an older version come in the shape of the newest. An event with facts
// that this program does not know, of a newer type or version or with a newer
// field, comes back with nil Facts and no error: what it is can be said by a newer
// program only. Content aliases m, which must not change.
func Decode(m Message) (Event, error) {
	e, err := decodeEnvelope(m)
	if err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrNotAnEvent, err)
	}
	versions := shapes[e.Type]
	if e.Version > len(versions) {
		return e, nil
	}
	if err := decodeBody(&e, m.Value, versions); err != nil {
		return Event{}, fmt.Errorf("%w: %s: %w", ErrNotAnEvent, e.Type.Versioned(e.Version), err)
	}
	return e, nil
}

// Where the values of the headers go that make an event.
const (
	atSpecVersion = iota
	atID
	atType
	atSource
	atSubject
	atTime
	atExpiry
	atContentKey
	atContentType
	envelopeHeaders
)

// envelope has the names of these headers.
var envelope = [envelopeHeaders]string{
	atSpecVersion: HeaderSpecVersion, atID: HeaderID, atType: HeaderType, atSource: HeaderSource, atSubject: HeaderSubject,
	atTime: HeaderTime, atExpiry: HeaderExpiry, atContentKey: HeaderContentKey, atContentType: HeaderContentType,
}

// readEnvelope gives the values of the envelope's headers. None may stand
// twice or in other case: one reader would take the first and another the last
// (CloudEvents' Go SDK ignores case).
func readEnvelope(headers []Header) (values [envelopeHeaders][]byte, err error) {
	var found [envelopeHeaders]bool
	for _, h := range headers {
		i := place(h.Key)
		if i < 0 {
			continue
		}
		if found[i] || h.Key != envelope[i] {
			return values, fmt.Errorf("%s stands twice or in other case", envelope[i])
		}
		values[i], found[i] = h.Value, true
	}
	return values, nil
}

// place is where the value of a header goes, in whatever case its name is; -1: nowhere.
func place(name string) int {
	if at := slices.Index(envelope[:], name); at >= 0 || name == HeaderTraceParent {
		return at
	}
	return slices.IndexFunc(envelope[:], func(known string) bool { return len(known) == len(name) && strings.EqualFold(known, name) })
}

func decodeEnvelope(m Message) (e Event, err error) {
	values, err := readEnvelope(m.Headers)
	if err != nil {
		return e, err
	}
	// One text is the key and the id: less to make than two.
	text := string(m.Key) + string(values[atID])
	key, id := text[:len(m.Key)], text[len(m.Key):]
	tenant, room, keyed := strings.Cut(key, "/")
	if keyed = keyed && tenant == string(values[atSource]) && room == string(values[atSubject]); !keyed {
		tenant, room = string(values[atSource]), string(values[atSubject])
	}
	e = Event{
		ID: EventID(id), Tenant: Tenant(tenant), Room: RoomID(room),
		ContentKey: string(values[atContentKey]), TraceParent: traceParent(m.Header(HeaderTraceParent)),
	}
	known, isKnown := written[string(values[atType])]
	if e.Type, e.Version = known.Type, known.version; !isKnown {
		e.Type, e.Version = SplitType(string(values[atType]))
	}
	if t := values[atContentType]; len(t) > 0 && string(t) != contentType { // CloudEvents' structured mode, say
		return e, fmt.Errorf("%s is %.40q, not %q", HeaderContentType, t, contentType)
	}
	if v := values[atSpecVersion]; string(v) != specVersion {
		return e, fmt.Errorf("%s is %.20q, not %q", HeaderSpecVersion, v, specVersion)
	}
	if err := checkEnvelope(&e); err != nil {
		return e, err
	}
	if !isKnown && checkID("type", string(values[atType])) != nil {
		return e, fmt.Errorf("%s is not a type", HeaderType)
	}
	if !keyed {
		return e, errors.New("the key is not that of the tenant and room in the headers")
	}
	if e.Time, err = parseTime(string(values[atTime])); err != nil {
		return e, fmt.Errorf("%s: %w", HeaderTime, err)
	}
	if e.Expires, err = parseTime(string(values[atExpiry])); err != nil {
		return e, fmt.Errorf("%s: %w", HeaderExpiry, err)
	}
	return e, nil
}

func decodeBody(e *Event, value []byte, v versions) error {
	raw, content, complete, err := scanBody(value, v[e.Version-1].names)
	if err != nil {
		return err
	}
	facts := string(raw)
	f, err := v.decode(e.Version, facts)
	if err != nil {
		return err
	}
	if _, err := ParseUserID(string(f.By().Sender)); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	if complete {
		e.Facts, e.RawFacts, e.Content = f, facts, content
	}
	return nil
}
