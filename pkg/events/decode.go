package events

import (
	"errors"
	"fmt"
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

// envelope has the headers that make an event.
var envelope = [...]string{
	HeaderSpecVersion, HeaderID, HeaderType, HeaderSource, HeaderSubject, HeaderTime, HeaderExpiry, HeaderContentKey,
	HeaderContentType,
}

// readEnvelope gives the values of the envelope's headers. None may stand
// twice or in other case: one reader would take the first and another the last
// (CloudEvents' Go SDK ignores case).
func readEnvelope(headers []Header) (values [len(envelope)][]byte, err error) {
	var found [len(envelope)]bool
	for _, h := range headers {
		for i, name := range envelope {
			if len(h.Key) != len(name) || !strings.EqualFold(h.Key, name) {
				continue
			}
			if found[i] || h.Key != name {
				return values, fmt.Errorf("%s stands twice or in other case", name)
			}
			values[i], found[i] = h.Value, true
		}
	}
	return values, nil
}

func decodeEnvelope(m Message) (e Event, err error) {
	values, err := readEnvelope(m.Headers)
	if err != nil {
		return e, err
	}
	typ := string(values[2])
	tenant, room, keyed := strings.Cut(string(m.Key), "/")
	if keyed = keyed && tenant == string(values[3]) && room == string(values[4]); !keyed {
		tenant, room = string(values[3]), string(values[4])
	}
	e = Event{
		ID: EventID(values[1]), Tenant: Tenant(tenant), Room: RoomID(room),
		ContentKey: string(values[7]), TraceParent: traceParent(m.Header(HeaderTraceParent)),
	}
	e.Type, e.Version = SplitType(typ)
	if t := values[8]; len(t) > 0 && string(t) != contentType { // CloudEvents' structured mode, say
		return e, fmt.Errorf("%s is %.40q, not %q", HeaderContentType, t, contentType)
	}
	if v := values[0]; string(v) != specVersion {
		return e, fmt.Errorf("%s is %.20q, not %q", HeaderSpecVersion, v, specVersion)
	}
	if err := checkEnvelope(&e); err != nil {
		return e, err
	}
	if checkID("type", typ) != nil {
		return e, fmt.Errorf("%s is not a type", HeaderType)
	}
	if !keyed {
		return e, errors.New("the key is not that of the tenant and room in the headers")
	}
	if e.Time, err = parseTime(string(values[5])); err != nil {
		return e, fmt.Errorf("%s: %w", HeaderTime, err)
	}
	if e.Expires, err = parseTime(string(values[6])); err != nil {
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
