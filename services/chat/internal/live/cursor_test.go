package live

import (
	"errors"
	"reflect"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
)

func cursors() []Cursor {
	at := events.VectorOf(logID, 1, []events.Offset{3, 0, 1 << 40})
	return []Cursor{
		{At: at},
		{At: at, Held: map[events.RoomID]events.Offset{"a": 0, "b": 7}},
		{At: at, Held: map[events.RoomID]events.Offset{}, Sweep: &Sweep{Partition: 2, Next: 9, Offset: 4, Room: "lobby"}},
		{At: at, Held: map[events.RoomID]events.Offset{"a": 1}, Sweep: &Sweep{Room: "a"}},
	}
}

func TestCursor(t *testing.T) {
	for _, c := range cursors() {
		got, err := ParseCursor(c.String())
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%v: %+v became %+v", err, c, got)
		}
	}
	if got := cursors()[0]; got.String() != got.At.Token() {
		t.Errorf("%s is not the position %s", got, got.At.Token())
	}
}

func FuzzParseCursor(f *testing.F) {
	for _, c := range cursors() {
		f.Add(c.String())
	}
	f.Add("AXk.")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCursor(s)
		if err != nil {
			if !errors.Is(err, ErrInvalidCursor) {
				t.Errorf("error %v", err)
			}
			return
		}
		if again := c.String(); again != s {
			t.Errorf("%q is read as %q", s, again)
		}
	})
}
