package events_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
)

func TestIDs(t *testing.T) {
	long := strings.Repeat("x", events.MaxIDLength)
	for s, want := range map[string]bool{
		"a": true, "A-Z.a_z~0-9:@": true, "...": true, long: true, "d:x": true, "~": true, "-": true, "a:b": true,
		"": false, ".": false, "..": false, long + "x": false, "a b": false, "a/b": false, "ä": false, "a\x00": false,
		"a\n": false, "%41": false, "a+b": false, "a,b": false, "\xff": false, "٣": false,
	} {
		_, user := events.ParseUserID(s)
		_, room := events.ParseRoomID(s)
		_, event := events.ParseEventID(s)
		for what, err := range map[string]error{"user": user, "room": room, "event": event} {
			if (err == nil) != want || err != nil && !errors.Is(err, events.ErrInvalidID) {
				t.Errorf("%s %q: %v", what, s, err)
			}
		}
		_, tenant := events.ParseTenant(s)
		if ok := want && !strings.Contains(s, ":"); (tenant == nil) != ok || tenant != nil && !errors.Is(tenant, events.ErrInvalidID) {
			t.Errorf("tenant %q: %v", s, tenant)
		}
	}
}

// Facts about anyone need a key, of people with the longest id too.
func TestAccountOfTheLongestUser(t *testing.T) {
	long := strings.Repeat("x", events.MaxIDLength)
	if _, err := events.ParseRoomID(events.AccountPrefix + long); err != nil {
		t.Error(err)
	}
	for _, s := range []string{"x" + long, events.AccountPrefix + long + "x", events.AccountPrefix + long[1:] + "/"} {
		if _, err := events.ParseRoomID(s); err == nil {
			t.Errorf("%d characters, %.3s…: taken", len(s), s)
		}
	}
}

func TestReserved(t *testing.T) {
	for id, want := range map[events.RoomID]bool{
		"d:": true, "d:abc": true, "~alice": true, "d": false, "D:x": false, "x~": false, "lobby": false, "ad:x": false,
	} {
		if id.Reserved() != want {
			t.Errorf("%q: %t", id, !want)
		}
	}
}
