package query

import (
	"errors"
	"testing"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// A cursor is one that was given, or a problem.
func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add(roomCursor(readmodel.RoomCursor{LogTime: 1_760_000_000_000, Room: "lobby"}))
	f.Add(roomCursor(readmodel.RoomCursor{LogTime: -1, Room: "d:x"}))
	for _, s := range []string{"KzEvYQ", "MDEvYQ", "MS8", "MQ", "1", "+1", "01", "9223372036854775807", "9223372036854775808", "-1", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		room, err := parseRoomCursor(s)
		if err == nil && s != "" && roomCursor(room) != s {
			t.Errorf("%q is read as %+v", s, room)
		}
		wantInvalidCursor(t, err)
		seq, err := parseSeqCursor(s)
		if err == nil && s != "" && *seqCursor(seq) != s {
			t.Errorf("%q is read as %d", s, seq)
		}
		wantInvalidCursor(t, err)
	})
}

func wantInvalidCursor(t *testing.T, err error) {
	t.Helper()
	if p, ok := errors.AsType[*problem.Error](err); err != nil && (!ok || p.Code != problem.InvalidCursor) {
		t.Errorf("error %v", err)
	}
}
