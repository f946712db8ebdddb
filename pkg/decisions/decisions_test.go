package decisions_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

var (
	log1 = events.LogID{1}
	at   = time.Date(2026, 1, 2, 15, 4, 5, 6_000_000, time.UTC)
)

func common(d decisions.Decision) decisions.Decision {
	d.ID, d.Time, d.By, d.Log = "d1", at, "olga@host", log1
	return d
}

func released() decisions.Decision {
	return common(decisions.Decision{Type: decisions.RoomReleased, Tenant: "main", Room: "lobby"})
}

func discarded(at, seen events.Offset) decisions.Decision {
	return common(decisions.Decision{
		Type: decisions.EventDiscarded, Tenant: "main", Room: "lobby", Event: "e1", At: at, Sender: "alice", Digest: "x", Seen: seen, Reason: "poison",
	})
}

func accepted() decisions.Decision {
	return common(decisions.Decision{
		Type: decisions.GapAccepted, Partition: 3, Next: 9, Resume: 4, From: events.LogID{2}, Reason: "the disk is gone",
	})
}

func TestWrittenAndRead(t *testing.T) {
	for _, d := range []decisions.Decision{released(), discarded(7, 2), accepted()} {
		m, err := decisions.Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decisions.Decode(m)
		if err != nil || !reflect.DeepEqual(got, d) {
			t.Errorf("error %v\n got %+v\nwant %+v", err, got, d)
		}
		for name, want := range map[string]string{
			events.HeaderSpecVersion: "1.0", events.HeaderType: string(d.Type), events.HeaderSource: log1.String(), events.HeaderTime: "2026-01-02T15:04:05.006Z",
		} {
			if got := m.Header(name); got != want {
				t.Errorf("%s of %s is %q, want %q", name, d.Type, got, want)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for name, d := range map[string]decisions.Decision{
		"no operator":             func() decisions.Decision { d := released(); d.By = ""; return d }(),
		"no log":                  func() decisions.Decision { d := released(); d.Log = events.LogID{}; return d }(),
		"no room":                 func() decisions.Decision { d := released(); d.Room = ""; return d }(),
		"no time":                 func() decisions.Decision { d := released(); d.Time = time.Time{}; return d }(),
		"a discard, no reason":    func() decisions.Decision { d := discarded(1, 0); d.Reason = ""; return d }(),
		"a discard, no event":     func() decisions.Decision { d := discarded(1, 0); d.Event = ""; return d }(),
		"a discard, a bad sender": func() decisions.Decision { d := discarded(1, 0); d.Sender = "a b"; return d }(),
		"a gap, no reason":        func() decisions.Decision { d := accepted(); d.Reason = ""; return d }(),
		"a gap, no log":           func() decisions.Decision { d := accepted(); d.From = events.LogID{}; return d }(),
		"a novel":                 func() decisions.Decision { d := released(); d.Reason = strings.Repeat("x", 1025); return d }(),
		"NUL":                     func() decisions.Decision { d := released(); d.Reason = "\x00"; return d }(),
		"a partition too many":    func() decisions.Decision { d := released(); d.Partition = events.MaxPartitions; return d }(),
	} {
		if _, err := decisions.Encode(d); !errors.Is(err, decisions.ErrInvalid) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestNewerProgram has records of which this program cannot say what they mean.
func TestNewerProgram(t *testing.T) {
	m, err := decisions.Encode(released())
	if err != nil {
		t.Fatal(err)
	}
	field := m
	field.Value = []byte(strings.Replace(string(m.Value), "{", `{"only_until":5,`, 1))
	typ := m
	typ.Headers = append([]events.Header(nil), m.Headers...)
	for i, h := range typ.Headers {
		if h.Key == events.HeaderType {
			typ.Headers[i].Value = []byte("room.moved")
		}
	}
	book := decisions.NewBook()
	for i, m := range []events.Message{field, typ} {
		if _, err := book.Add(events.Offset(i), m); !errors.Is(err, decisions.ErrUnknown) || errors.Is(err, decisions.ErrInvalid) {
			t.Errorf("record %d: error %v", i, err)
		}
	}
	if _, err := book.Add(2, events.Message{Value: []byte("garbage")}); !errors.Is(err, decisions.ErrInvalid) {
		t.Errorf("garbage: error %v", err)
	}
	if book.Ignored() != 3 || book.Next() != 3 || len(book.Since(0, 0, 9)) != 0 {
		t.Errorf("%d ignored, next %d", book.Ignored(), book.Next())
	}
}

func add(t *testing.T, b *decisions.Book, o events.Offset, d decisions.Decision) {
	t.Helper()
	m, err := decisions.Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Add(o, m); err != nil {
		t.Fatal(err)
	}
}

func TestBook(t *testing.T) {
	b := decisions.NewBook()
	of0, of3 := b.Changed(0), b.Changed(3)
	add(t, b, 0, released())
	add(t, b, 2, discarded(7, 1))
	add(t, b, 2, discarded(8, 3)) // the offset is taken: read again
	select {
	case <-of0:
	default:
		t.Error("who waits for partition 0 was not told")
	}
	select {
	case <-of3:
		t.Error("partition 3 was told of a decision about another")
	default:
	}
	add(t, b, 5, accepted())
	<-of3

	if d, ok := b.Discarded(log1, 0, 7, "e1", 3); !ok || d.Offset != 2 || d.Sender != "alice" {
		t.Errorf("discarded: %+v, %t", d, ok)
	}
	for name, ok := range map[string]bool{
		"another log": has(b.Discarded(events.LogID{9}, 0, 7, "e1", 9)), "another partition": has(b.Discarded(log1, 1, 7, "e1", 9)),
		"another offset": has(b.Discarded(log1, 0, 8, "e1", 9)), "another event": has(b.Discarded(log1, 0, 7, "e2", 9)),
		"not yet": has(b.Discarded(log1, 0, 7, "e1", 2)),
	} {
		if ok {
			t.Errorf("%s is discarded too", name)
		}
	}
	offsets := func(p events.Partition, from, to events.Offset) (all []events.Offset) {
		for _, d := range b.Since(p, from, to) {
			all = append(all, d.Offset)
		}
		return all
	}
	for _, tc := range []struct {
		got, want []events.Offset
	}{
		{offsets(0, 0, 9), []events.Offset{0, 2}}, {offsets(0, 1, 9), []events.Offset{2}}, {offsets(0, 0, 2), []events.Offset{0}}, {offsets(3, 0, 9), []events.Offset{5}},
	} {
		if !reflect.DeepEqual(tc.got, tc.want) {
			t.Errorf("decisions at %v, want %v", tc.got, tc.want)
		}
	}
}

func has(_ decisions.Decision, ok bool) bool { return ok }

// TestVoid has discards of events that another decision about the room may have
// let be judged before.
func TestVoid(t *testing.T) {
	other := released()
	other.Room = "den"
	for name, tc := range map[string]struct {
		before []decisions.Decision
		seen   events.Offset
		valid  bool
	}{
		"nothing before":               {nil, 0, true},
		"a release that it saw":        {[]decisions.Decision{released()}, 1, true},
		"a release that it did not":    {[]decisions.Decision{released()}, 0, false},
		"a release of another room":    {[]decisions.Decision{other}, 0, true},
		"a discard that it did not":    {[]decisions.Decision{discarded(3, 0)}, 0, false},
		"one that it saw, one not":     {[]decisions.Decision{released(), released()}, 1, false},
		"a gap that it did not see":    {[]decisions.Decision{accepted()}, 0, true},
		"the same discard, repeatedly": {[]decisions.Decision{discarded(7, 0)}, 0, true},
	} {
		b := decisions.NewBook()
		for i, d := range tc.before {
			add(t, b, events.Offset(i), d)
		}
		add(t, b, b.Next(), discarded(7, tc.seen))
		if _, ok := b.Discarded(log1, 0, 7, "e1", 99); ok != tc.valid {
			t.Errorf("%s: valid %t, want %t", name, ok, tc.valid)
		}
	}
}

func TestTopic(t *testing.T) {
	for topic, want := range map[string]string{
		"": "roomlog.decisions", eventlog.EventsTopic(2): "roomlog.decisions", "another": "another.decisions",
	} {
		if got := decisions.Topic(eventlog.Config{Topic: topic}); got != want {
			t.Errorf("decisions about %q stand in %q, want %q", topic, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, d := range []decisions.Decision{released(), discarded(7, 2), accepted()} {
		m, err := decisions.Encode(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(m.Header(events.HeaderType), m.Header(events.HeaderSource), m.Header(events.HeaderTime), m.Value)
	}
	f.Fuzz(func(t *testing.T, typ, source, at string, value []byte) {
		m := events.Message{Value: value}
		for _, h := range [][2]string{
			{events.HeaderSpecVersion, "1.0"}, {events.HeaderID, "d1"}, {events.HeaderType, typ}, {events.HeaderSource, source}, {events.HeaderTime, at},
		} {
			m.Headers = append(m.Headers, events.Header{Key: h[0], Value: []byte(h[1])})
		}
		d, err := decisions.Decode(m)
		if err != nil {
			if !errors.Is(err, decisions.ErrInvalid) && !errors.Is(err, decisions.ErrUnknown) {
				t.Fatalf("error %v", err)
			}
			return
		}
		again, err := decisions.Encode(d)
		if err != nil {
			t.Fatalf("%+v was read and cannot be written: %v", d, err)
		}
		if got, err := decisions.Decode(again); err != nil || !reflect.DeepEqual(got, d) {
			t.Fatalf("error %v\n got %+v\nwant %+v", err, got, d)
		}
	})
}
