package events

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

// What is a time here is one for every reader of RFC 3339, and is written as it was
// read, to the millisecond.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{
		"", "2026-01-02T15:04:05.678Z", "2026-01-02T15:04:05Z", "2026-01-02T15:04:05.123456789Z", "2026-01-02T15:04:05.Z",
		"0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "0000-01-01T00:00:00.000Z", "2026-02-30T00:00:00Z",
		"2026-01-02T24:00:00Z", "2026-01-02T15:04:60Z", "2026-01-02t15:04:05z", "2026-01-02T15:04:05,1Z", "2026-01-02T15:04:05+00:00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseTime(s)
		if err != nil {
			if !errors.Is(err, errTime) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if want, err := time.Parse(time.RFC3339Nano, s); s != "" && (err != nil || !want.Truncate(time.Millisecond).Equal(got)) {
			t.Fatalf("%q: %s, %v, want %s", s, got, err, want)
		}
		b, err := appendTime(nil, got)
		written := string(b)
		if err != nil {
			t.Fatalf("%q cannot be written: %v", s, err)
		}
		if again, err := parseTime(written); err != nil || !again.Equal(got) {
			t.Fatalf("%q became %q, then %s, %v", s, written, again, err)
		}
	})
}

// An id stands in URLs, keys and headers as it is, and what is none says so.
func FuzzParseID(f *testing.F) {
	for _, s := range []string{
		"", "a", "d:x", "~alice", "~" + strings.Repeat("a", MaxIDLength), strings.Repeat("a", MaxIDLength+1), ".", "..", "a:b@c.d~e-f_", "a/b", "a b", "ä", "\xff",
		"00112233445566778899aabbccddeeff", "00112233445566778899AABBCCDDEEFF",
	} {
		f.Add(s)
	}
	parsers := map[string]func(string) (string, error){
		"tenant": func(s string) (string, error) { id, err := ParseTenant(s); return string(id), err },
		"room":   func(s string) (string, error) { id, err := ParseRoomID(s); return string(id), err },
		"user":   func(s string) (string, error) { id, err := ParseUserID(s); return string(id), err },
		"event":  func(s string) (string, error) { id, err := ParseEventID(s); return string(id), err },
	}
	f.Fuzz(func(t *testing.T, s string) {
		for what, parse := range parsers {
			id, err := parse(s)
			if err != nil {
				if !errors.Is(err, ErrInvalidID) {
					t.Fatalf("%s %q: error %v", what, s, err)
				}
				continue
			}
			u, err := url.Parse("http://x/" + id + "/y")
			if id != s || err != nil || u.EscapedPath() != "/"+s+"/y" || u.JoinPath().Path != u.Path || len(s) > MaxIDLength+1 || strings.ContainsAny(s, "/ ,\x00") {
				t.Fatalf("%s %q is %q, in a URL %v, %v", what, s, id, u, err)
			}
		}
		if id, err := ParseLogID(s); err == nil && !strings.EqualFold(id.String(), s) {
			t.Fatalf("log %q is %s", s, id)
		}
	})
}
