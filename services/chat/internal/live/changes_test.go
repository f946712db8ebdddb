package live

import (
	"strconv"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
)

// A glance at a room holds until the timeline tells of a change there, or may have missed one.
func TestGlance(t *testing.T) {
	of := func(typ events.Type, k readmodel.Key) readmodel.EventRow {
		row := posted(k, 1)
		row.Type = typ
		return row
	}
	for _, tc := range []struct {
		name   string
		commit func(elsewhere readmodel.Key) timeline.Commit
		holds  bool
	}{
		{"a message", func(readmodel.Key) timeline.Commit { return commit(1, 5, 6, of(events.TypeMessagePosted, lobby)) }, true},
		{"a reaction", func(readmodel.Key) timeline.Commit { return commit(1, 5, 6, of(events.TypeReactionAdded, lobby)) }, true},
		{"a member", func(readmodel.Key) timeline.Commit { return commit(1, 5, 6, of(events.TypeMemberChanged, lobby)) }, false},
		{"the room", func(readmodel.Key) timeline.Commit { return commit(1, 5, 6, of(events.TypeRoomUpdated, lobby)) }, false},
		{"a type of later", func(readmodel.Key) timeline.Commit { return commit(1, 5, 6, of("room.frozen", lobby)) }, false},
		{"elsewhere", func(k readmodel.Key) timeline.Commit { return commit(1, 5, 6, of(events.TypeMemberChanged, k)) }, true},
		{"a hole", func(readmodel.Key) timeline.Commit { return commit(1, 6, 7) }, false},
		{"what was parked", func(readmodel.Key) timeline.Commit {
			return timeline.Commit{Projection: 1, Epoch: 1, Floor: 5, Next: 5, Decisions: 1}
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := follower(nil)
			f.goLive(1)
			give(t, f, commit(1, 0, 5))
			elsewhere := lobby
			for i := 0; f.changes.of(elsewhere) == f.changes.of(lobby); i++ {
				elsewhere.Room = events.RoomID("r" + strconv.Itoa(i))
			}
			g := f.Glance(lobby)
			give(t, f, tc.commit(elsewhere))
			if g.Holds() != tc.holds {
				t.Errorf("the glance holds: %t, want %t", g.Holds(), tc.holds)
			}
			if !f.Glance(lobby).Holds() {
				t.Error("a new one does not hold")
			}
			g = f.Glance(lobby)
			f.goLive(2)
			if g.Holds() {
				t.Error("one at another version of the tables holds")
			}
		})
	}
}

// A partition is heard from its first commit on, until the timeline is silent.
func TestHears(t *testing.T) {
	f := follower(nil)
	now := time.Now()
	f.Now = func() time.Time { return now }
	heard := func(want bool, when string) {
		t.Helper()
		if got := f.Hears(0); got != want {
			t.Errorf("%s it is heard: %t", when, got)
		}
	}
	heard(false, "before the first commit")
	f.goLive(1)
	f.seen(readmodel.Checkpoint{Partition: 0, Next: 3})
	give(t, f, commit(1, 0, 5))
	heard(true, "after a commit")
	now = now.Add(silence)
	heard(true, "a moment later")
	now = now.Add(time.Millisecond)
	heard(false, "when it was silent")
	give(t, f, commit(1, 5, 5))
	heard(true, "after a beacon")
	f.goLive(2)
	heard(false, "where another version is read")
}
