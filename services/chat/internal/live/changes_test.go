package live

import (
	"strconv"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
)

// A glance at a room holds until the timeline tells of a change there, which is certain
// where it tells of the partition and nothing was missed.
func TestGlance(t *testing.T) {
	of := func(typ events.Type, k readmodel.Key) timeline.Commit {
		row := posted(k, 1)
		row.Type = typ
		return commit(1, 5, 6, row)
	}
	parked := commit(1, 5, 5)
	parked.Decisions = 1
	for _, tc := range []struct {
		name           string
		then           func(f *Follower, elsewhere readmodel.Key) timeline.Commit
		holds, certain bool
	}{
		{"nothing", func(*Follower, readmodel.Key) timeline.Commit { return commit(1, 5, 5) }, true, true},
		{"a message", func(*Follower, readmodel.Key) timeline.Commit { return of(events.TypeMessagePosted, lobby) }, true, true},
		{"a reaction", func(*Follower, readmodel.Key) timeline.Commit { return of(events.TypeReactionAdded, lobby) }, true, true},
		{"a member", func(*Follower, readmodel.Key) timeline.Commit { return of(events.TypeMemberChanged, lobby) }, false, true},
		{"the room", func(*Follower, readmodel.Key) timeline.Commit { return of(events.TypeRoomUpdated, lobby) }, false, true},
		{"a type of later", func(*Follower, readmodel.Key) timeline.Commit { return of("room.frozen", lobby) }, false, true},
		{"elsewhere", func(_ *Follower, k readmodel.Key) timeline.Commit { return of(events.TypeMemberChanged, k) }, true, true},
		{"a hole", func(*Follower, readmodel.Key) timeline.Commit { return commit(1, 6, 7) }, true, false},
		{"what was parked", func(*Follower, readmodel.Key) timeline.Commit { return parked }, true, false},
		{"another version", func(f *Follower, _ readmodel.Key) timeline.Commit {
			f.goLive(2)
			c := commit(1, 5, 5)
			c.Projection = 2
			return c
		}, true, false},
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
			give(t, f, tc.then(f, elsewhere))
			if g.Holds() != tc.holds || f.Certain(g, 0) != tc.certain {
				t.Errorf("the glance holds: %t, want %t; it is certain: %t, want %t", g.Holds(), tc.holds, f.Certain(g, 0), tc.certain)
			}
			if g = f.Glance(lobby); !g.Holds() || !f.Certain(g, 0) {
				t.Error("a new one does not hold for certain")
			}
		})
	}
}

// A partition that the timeline does not tell of is not certain.
func TestGlanceOfWhatIsNotHeard(t *testing.T) {
	f := follower(nil)
	now := time.Now()
	f.Now = func() time.Time { return now }
	certain := func(want bool, when string) {
		t.Helper()
		if got := f.Certain(f.Glance(lobby), 0); got != want {
			t.Errorf("%s it is certain: %t", when, got)
		}
	}
	certain(false, "before the first commit")
	f.goLive(1)
	f.seen(readmodel.Checkpoint{Partition: 0, Next: 3})
	certain(false, "after a look at the tables")
	give(t, f, commit(1, 0, 5))
	certain(true, "after a commit")
	now = now.Add(silence)
	certain(true, "a moment later")
	now = now.Add(time.Millisecond)
	certain(false, "when it was silent")
	give(t, f, commit(1, 5, 5))
	certain(true, "after a beacon")
	f.goLive(2)
	certain(false, "where another version is read")
}
