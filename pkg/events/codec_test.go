package events_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// hello is a valid event to spoil.
func hello() events.Event {
	return events.Event{
		ID: "e1", Type: events.TypeMessagePosted, Tenant: "main", Room: "lobby",
		Time:    time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
		Facts:   events.MessagePosted{Command: events.Command{Sender: "alice"}, Kind: "text", TextBytes: 2},
		Content: json.RawMessage(`{"text":"hi"}`),
	}
}

func posted(change func(*events.MessagePosted)) func(*events.Event) {
	return func(e *events.Event) {
		f := e.Facts.(events.MessagePosted)
		change(&f)
		e.Facts = f
	}
}

func TestEncodeRefuses(t *testing.T) {
	var anyError error
	for name, tt := range map[string]struct {
		spoil func(*events.Event)
		want  error
	}{
		"no id":                   {func(e *events.Event) { e.ID = "" }, events.ErrInvalidID},
		"no tenant":               {func(e *events.Event) { e.Tenant = "" }, events.ErrInvalidID},
		"a tenant with a colon":   {func(e *events.Event) { e.Tenant = "a:b" }, events.ErrInvalidID},
		"a room with a slash":     {func(e *events.Event) { e.Room = "a/b" }, events.ErrInvalidID},
		"no sender":               {posted(func(f *events.MessagePosted) { f.Sender = "" }), events.ErrInvalidID},
		"a reply to no id":        {posted(func(f *events.MessagePosted) { f.ReplyTo = "a b" }), events.ErrInvalidID},
		"a thread of no id":       {posted(func(f *events.MessagePosted) { f.ThreadRoot = "\x00" }), events.ErrInvalidID},
		"a mention of no user":    {posted(func(f *events.MessagePosted) { f.Mentions = []events.UserID{"bob", ""} }), events.ErrInvalidID},
		"a kind with NUL":         {posted(func(f *events.MessagePosted) { f.Kind = "a\x00" }), events.ErrUnstorable},
		"a kind not UTF-8":        {posted(func(f *events.MessagePosted) { f.Kind = "\xff" }), events.ErrUnstorable},
		"a digest not UTF-8":      {posted(func(f *events.MessagePosted) { f.Digest = "\xff" }), events.ErrUnstorable},
		"a content key with NUL":  {func(e *events.Event) { e.ContentKey = "\x00" }, events.ErrUnstorable},
		"no facts":                {func(e *events.Event) { e.Facts = nil }, anyError},
		"facts of another type":   {func(e *events.Event) { e.Facts = events.RoomCreated{} }, anyError},
		"facts by reference":      {func(e *events.Event) { f := e.Facts.(events.MessagePosted); e.Facts = &f }, anyError},
		"an unknown type":         {func(e *events.Event) { e.Type = "message.posted.v2" }, anyError},
		"content that is a list":  {func(e *events.Event) { e.Content = json.RawMessage(`[]`) }, anyError},
		"content null":            {func(e *events.Event) { e.Content = json.RawMessage(`null`) }, anyError},
		"content a number":        {func(e *events.Event) { e.Content = json.RawMessage(`1`) }, anyError},
		"empty content":           {func(e *events.Event) { e.Content = json.RawMessage(``) }, anyError},
		"content not JSON":        {func(e *events.Event) { e.Content = json.RawMessage(`{"text":}`) }, anyError},
		"content and more":        {func(e *events.Event) { e.Content = json.RawMessage(`{},"facts":{}`) }, anyError},
		"content with NUL":        {func(e *events.Event) { e.Content = json.RawMessage(`{"text":"\u0000"}`) }, events.ErrUnstorable},
		"content not UTF-8":       {func(e *events.Event) { e.Content = json.RawMessage("{\"text\":\"\xff\"}") }, events.ErrUnstorable},
		"content half surrogate":  {func(e *events.Event) { e.Content = json.RawMessage(`{"text":"\ud83d"}`) }, events.ErrUnstorable},
		"content too deep":        {func(e *events.Event) { e.Content = nested(events.MaxDepth) }, events.ErrUnstorable},
		"content too large":       {func(e *events.Event) { e.Content = text(events.MaxEvent) }, events.ErrTooLarge},
		"a time before the years": {func(e *events.Event) { e.Time = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC) }, anyError},
		"a time after the years":  {func(e *events.Event) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, anyError},
		"a year 10000 in UTC": {func(e *events.Event) {
			e.Time = time.Date(9999, 12, 31, 23, 30, 0, 0, time.FixedZone("", -3600))
		}, anyError},
		"an expiry that would read as none": {func(e *events.Event) { e.Expires = time.Time{}.Add(time.Microsecond) }, anyError},
	} {
		t.Run(name, func(t *testing.T) {
			e := hello()
			tt.spoil(&e)
			m, err := events.Encode(&e)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, %+v, want %v", err, m, tt.want)
			}
		})
	}
}

// What an encoder has written before does not show.
func TestEncoder(t *testing.T) {
	var enc events.Encoder
	long := hello()
	long.Content, long.TraceParent = json.RawMessage(`{"text":"`+strings.Repeat("long ", 1000)+`"}`), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, e := range []events.Event{hello(), long, hello()} {
		want, err := events.Encode(&e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := enc.Encode(&e)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v\nwant %+v", got, err, want)
		}
		e.ID = ""
		if _, err := enc.Encode(&e); !errors.Is(err, events.ErrInvalidID) {
			t.Errorf("no id: %v", err)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = enc.Encode(&long) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestEncodeTakesTheLargestEvent(t *testing.T) {
	e := hello()
	m := encode(t, e)
	free := events.MaxEvent - m.Size() + len(e.Content)
	e.Content = text(free)
	if got := encode(t, e).Size(); got != events.MaxEvent {
		t.Errorf("size is %d, not %d", got, events.MaxEvent)
	}
	e.Content = text(free + 1)
	if _, err := events.Encode(&e); !errors.Is(err, events.ErrTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestEncodeCanonicalForm(t *testing.T) {
	e := hello()
	e.Time = time.Date(2026, 1, 2, 15, 4, 5, 123_999_999, time.FixedZone("", 3600))
	e.Content = json.RawMessage(" \n{\"text\": \"hi\"}\t")
	e.TraceParent = "not a trace"
	got, err := events.Decode(encode(t, e))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 1, 2, 14, 4, 5, 123_000_000, time.UTC); got.Time != want {
		t.Errorf("time is %s, not %s", got.Time, want)
	}
	if string(got.Content) != `{"text": "hi"}` {
		t.Errorf("content is %q", got.Content)
	}
	if got.TraceParent != "" {
		t.Errorf("traceparent is %q", got.TraceParent)
	}
	e.Content = nil
	if got, _ = events.Decode(encode(t, e)); string(got.Content) != "{}" {
		t.Errorf("no content is %q", got.Content)
	}
}

// What is no event is none for ever. Each case is one change to a valid record.
func TestDecodeRefuses(t *testing.T) {
	header := func(name, v string) func(*events.Message) {
		return func(m *events.Message) { setHeader(m, name, v) }
	}
	also := func(name, v string) func(*events.Message) {
		return func(m *events.Message) {
			m.Headers = append(m.Headers, events.Header{Key: name, Value: []byte(v)})
		}
	}
	facts := func(facts string) func(*events.Message) {
		return value(`{"facts":` + facts + `,"content":{}}`)
	}
	sound := encode(t, hello())
	facts(`{"sender":"alice"}`)(&sound)
	if e, err := events.Decode(sound); err != nil || e.Facts == nil {
		t.Fatalf("the record that the cases spoil: %v", err)
	}
	for name, spoil := range map[string]func(*events.Message){
		"nothing":                   func(m *events.Message) { *m = events.Message{} },
		"no headers":                func(m *events.Message) { m.Headers = nil },
		"no key":                    func(m *events.Message) { m.Key = nil },
		"another room's key":        func(m *events.Message) { m.Key = []byte("main/den") },
		"another tenant's key":      func(m *events.Message) { m.Key = []byte("acme/lobby") },
		"no version":                header(events.HeaderSpecVersion, ""),
		"another version":           header(events.HeaderSpecVersion, "1.1"),
		"a longer version":          header(events.HeaderSpecVersion, "1.0 "),
		"no id":                     header(events.HeaderID, ""),
		"a bad id":                  header(events.HeaderID, "a b"),
		"an id too long":            header(events.HeaderID, strings.Repeat("x", 129)),
		"no type":                   header(events.HeaderType, ""),
		"a bad type":                header(events.HeaderType, "message posted"),
		"an unknown bad type":       header(events.HeaderType, "\xff"),
		"no tenant":                 header(events.HeaderSource, ""),
		"no room":                   header(events.HeaderSubject, ""),
		"a date":                    header(events.HeaderTime, "2026-01-02"),
		"a day that is not":         header(events.HeaderTime, "2026-02-30T00:00:00Z"),
		"a zone":                    header(events.HeaderTime, "2026-01-02T15:04:05+00:00"),
		"an hour of one digit":      header(events.HeaderTime, "2026-01-02T5:04:05Z"),
		"a comma":                   header(events.HeaderTime, "2026-01-02T15:04:05,5Z"),
		"a bad expiry":              header(events.HeaderExpiry, "soon"),
		"a content key not UTF-8":   also(events.HeaderContentKey, "\xff"),
		"a content key with NUL":    also(events.HeaderContentKey, "a\x00b"),
		"two ids":                   also(events.HeaderID, "e1"),
		"two types":                 also(events.HeaderType, "member.changed"),
		"two versions":              also(events.HeaderSpecVersion, "1.0"),
		"an id in other case":       also("CE_ID", "e2"),
		"structured mode":           header(events.HeaderContentType, "application/cloudevents+json"),
		"two content types":         also(events.HeaderContentType, "application/json"),
		"two times":                 also(events.HeaderTime, ""),
		"no value":                  func(m *events.Message) { m.Value = nil },
		"a truncated value":         func(m *events.Message) { m.Value = m.Value[:len(m.Value)-1] },
		"a value and more":          func(m *events.Message) { m.Value = append(m.Value, " {}"...) },
		"a byte order mark":         func(m *events.Message) { m.Value = append([]byte("\ufeff"), m.Value...) },
		"a list":                    value(`[]`),
		"null":                      value(`null`),
		"no facts":                  value(`{"content":{}}`),
		"facts null":                facts(`null`),
		"facts a list":              facts(`[]`),
		"facts a string":            facts(`"{}"`),
		"no content":                value(`{"facts":{"sender":"alice"}}`),
		"content null":              value(`{"facts":{"sender":"alice"},"content":null}`),
		"content a list":            value(`{"facts":{"sender":"alice"},"content":[]}`),
		"facts twice":               value(`{"facts":{"sender":"alice"},"facts":{"sender":"alice"},"content":{}}`),
		"content twice":             value(`{"facts":{"sender":"alice"},"content":{},"content":{}}`),
		"an unknown twice":          value(`{"facts":{"sender":"alice"},"content":{},"x":1,"x":1}`),
		"FACTS":                     value(`{"FACTS":{"sender":"mallory"},"facts":{"sender":"alice"},"content":{}}`),
		"facts escaped":             value(`{"f\u0061cts":{"sender":"alice"},"content":{}}`),
		"no sender":                 facts(`{}`),
		"sender null":               facts(`{"sender":null}`),
		"a bad sender":              facts(`{"sender":"a b"}`),
		"a sender twice":            facts(`{"sender":"alice","sender":"mallory"}`),
		"a SENDER":                  facts(`{"sender":"alice","SENDER":"mallory"}`),
		"a ſender":                  facts(`{"sender":"alice","ſender":"mallory"}`),
		"a sender escaped":          facts(`{"sender":"alice","\u0073ender":"mallory"}`),
		"an unknown twice in facts": facts(`{"sender":"alice","x":1,"x":2}`),
		"below an unknown twice":    facts(`{"sender":"alice","x":[{"y":1,"y":2}]}`),
		"an empty name":             facts(`{"sender":"alice","":1}`),
		"a number as sender":        facts(`{"sender":1}`),
		"a text as number":          facts(`{"sender":"alice","text_bytes":"2"}`),
		"a fraction":                facts(`{"sender":"alice","text_bytes":2.0}`),
		"an exponent":               facts(`{"sender":"alice","text_bytes":2e0}`),
		"a huge number":             facts(`{"sender":"alice","text_bytes":9223372036854775808}`),
		"a wrong type and unknown":  facts(`{"sender":"alice","text_bytes":"2","x":1}`),
		"a mention that is a list":  facts(`{"sender":"alice","mentions":[["bob"]]}`),
		"NUL in facts":              facts(`{"sender":"alice","kind":"\u0000"}`),
		"NUL behind a backslash":    value(`{"facts":{"sender":"alice"},"content":{"text":"\\\u0000"}}`),
		"half a pair":               value(`{"facts":{"sender":"alice"},"content":{"text":"\ud83d"}}`),
		"a wrong pair":              value(`{"facts":{"sender":"alice"},"content":{"text":"\ud83d\u0041"}}`),
		"two second halves":         value(`{"facts":{"sender":"alice"},"content":{"text":"\ude00\ude00"}}`),
		"the second half":           value(`{"facts":{"sender":"alice"},"content":{"text":"\ude00"}}`),
		"not UTF-8":                 value("{\"facts\":{\"sender\":\"alice\"},\"content\":{\"text\":\"\xc0\"}}"),
		"too deep":                  value(`{"facts":{"sender":"alice"},"content":` + string(nested(events.MaxDepth)) + `}`),
		"far too deep":              value(`{"facts":{"sender":"alice"},"content":{"x":` + strings.Repeat("[", 1<<20) + `}}`),
	} {
		t.Run(name, func(t *testing.T) {
			m := encode(t, hello())
			spoil(&m)
			e, err := events.Decode(m)
			if !errors.Is(err, events.ErrNotAnEvent) {
				t.Errorf("got %v, %+v", err, e)
			}
		})
	}
}

// What an outsider may write otherwise than we do, and it is the same event.
func TestDecodeTakes(t *testing.T) {
	facts := `{"sender":"alice","kind":"text","text_bytes":2}`
	for name, change := range map[string]func(*events.Message){
		"other headers": func(m *events.Message) {
			m.Headers = append([]events.Header{{Key: "x"}, {Key: "x"}, {Key: "ce_other", Value: []byte{0xff}}}, m.Headers...)
		},
		"headers in another order": func(m *events.Message) {
			m.Headers[0], m.Headers[3] = m.Headers[3], m.Headers[0]
		},
		"no content type": func(m *events.Message) { setHeader(m, events.HeaderContentType, "") },
		"more decimals":   func(m *events.Message) { setHeader(m, events.HeaderTime, "2026-01-02T15:04:05.000999999Z") },
		"no decimals":     func(m *events.Message) { setHeader(m, events.HeaderTime, "2026-01-02T15:04:05Z") },
		"white space":     value(" { \"facts\" :\t" + facts + " , \"content\" : {\"text\":\"hi\"} }\r\n"),
		"the other order": value(`{"content":{"text":"hi"},"facts":` + facts + `}`),
		"nulls":           value(`{"facts":{"sender":"alice","kind":"text","text_bytes":2,"reply_to":null,"mentions":null},"content":{"text":"hi"}}`),
		"a bad traceparent": func(m *events.Message) {
			m.Headers = append(m.Headers, events.Header{Key: "traceparent", Value: []byte{0xff}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := encode(t, hello())
			change(&m)
			got, err := events.Decode(m)
			if err != nil {
				t.Fatal(err)
			}
			got.Version, got.RawFacts = 0, ""
			if want := hello(); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// A newer program's event is one, but not for this program to judge.
func TestDecodeNewerProgramsEvent(t *testing.T) {
	for name, change := range map[string]func(*events.Message){
		"an unknown type":            func(m *events.Message) { setHeader(m, events.HeaderType, "message.edited") },
		"a newer version":            func(m *events.Message) { setHeader(m, events.HeaderType, "message.posted.v2") },
		"its body may be anything":   func(m *events.Message) { setHeader(m, events.HeaderType, "x"); m.Value = []byte{0} },
		"a new fact":                 value(`{"facts":{"sender":"alice","silent":true},"content":{}}`),
		"a new part of the body":     value(`{"facts":{"sender":"alice"},"content":{},"proof":{}}`),
		"a new fact with any inside": value(`{"facts":{"sender":"alice","poll":{"options":[{"id":1},{"id":2}]}},"content":{}}`),
	} {
		t.Run(name, func(t *testing.T) {
			m := encode(t, hello())
			change(&m)
			e, err := events.Decode(m)
			if err != nil || e.Facts != nil {
				t.Fatalf("got %v, facts %+v", err, e.Facts)
			}
			if e.ID != "e1" || e.Room != "lobby" || e.Tenant != "main" {
				t.Errorf("the envelope is %+v", e)
			}
		})
	}
	t.Run("a new setting", func(t *testing.T) {
		e := events.Event{
			ID: "e1", Type: events.TypeRoomCreated, Tenant: "main", Room: "lobby",
			Facts: events.RoomCreated{Command: events.Command{Sender: "alice"}, Kind: events.RoomPublic, Rules: 1},
		}
		m := encode(t, e)
		value(`{"facts":{"sender":"alice","kind":"public","rules":1,"settings":{"quiet_hours":5}},"content":{}}`)(&m)
		if e, err := events.Decode(m); err != nil || e.Facts != nil {
			t.Fatalf("got %v, facts %+v", err, e.Facts)
		}
	})
}

func value(v string) func(*events.Message) {
	return func(m *events.Message) { m.Value = []byte(v) }
}

// setHeader changes a header; "" removes it.
func setHeader(m *events.Message, name, v string) {
	kept := m.Headers[:0]
	for _, h := range m.Headers {
		if h.Key == name {
			h.Value = []byte(v)
			if v == "" {
				continue
			}
		}
		kept = append(kept, h)
	}
	if v != "" && (events.Message{Headers: kept}).Header(name) == "" {
		kept = append(kept, events.Header{Key: name, Value: []byte(v)})
	}
	m.Headers = kept
}

// nested gives an object of that depth.
func nested(depth int) json.RawMessage {
	return json.RawMessage(`{"x":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`)
}

// text gives content of so many bytes.
func text(n int) json.RawMessage {
	return json.RawMessage(`{"text":"` + strings.Repeat("x", n-len(`{"text":""}`)) + `"}`)
}

func TestDepthLimitIsWhereItIsSaid(t *testing.T) {
	e := hello()
	e.Content = nested(events.MaxDepth - 1) // and one for the body
	if _, err := events.Decode(encode(t, e)); err != nil {
		t.Error(err)
	}
}
