package live

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
)

// Head is a room as one of those that a person has to do with.
type Head struct {
	Room      events.RoomID
	Partition events.Partition
	// Member says that the person is a member and the room is there. Since is the
	// seq that made them one.
	Member bool
	Since  events.Seq
	// Last is the offset of the last event that can concern the person: of members
	// the room's, of others that of their own membership, or of the room's end.
	Last events.Offset
	// Blocked is the offset from which on the room's events are parked; negative:
	// they are not.
	Blocked events.Offset
}

// Heads are all rooms that a person has to do with, as one moment shows them.
type Heads struct {
	// Next is where each partition's checkpoint is.
	Next  []events.Offset
	Rooms []Head
}

// RoomPage is a stretch of one of a person's rooms, read in one moment.
type RoomPage struct {
	// Frames are the events that the person may see and that happened in their
	// presence, and those of their own membership.
	Frames []*Frame
	// More says that there is more, from Next on.
	More bool
	Next Place
	// Sight is what a member may see; nil where the person is none.
	Sight Sight
}

// Place is a place in a room: from an offset on. After is the seq before it; zero:
// not known.
type Place struct {
	Offset events.Offset
	After  events.Seq
}

// PersonReads reads the read model for a person.
type PersonReads interface {
	Heads(ctx context.Context) (Heads, error)
	// Stretch reads a room's events from a place on, at offsets below another.
	Stretch(ctx context.Context, r events.RoomID, from Place, below events.Offset) (RoomPage, error)
}

// PersonTrack is the track of a stream of all of a person's rooms: its cursor is
// [Cursor].
//
// What it has it knows by partition: everything below an offset. So there is
// nothing to keep for a room but whether it is the person's; only a room whose
// events are parked is behind its partition, and is named. To catch up, it sweeps
// a partition: it reads one room after the other, up to where the checkpoint was.
type PersonTrack struct {
	Log         events.LogID
	Epoch       events.LogEpoch
	User        events.UserID
	PartitionOf func(events.RoomID) events.Partition
	Wanted      func(events.Type) bool // nil: all
	Reads       PersonReads
	Sub         *Subscription

	next   []events.Offset // by partition
	stale  []bool          // by partition: to be swept
	rooms  map[events.RoomID]*standing
	held   map[events.RoomID]events.Offset
	sweeps []sweep // under way, the first one now
}

var _ Track = (*PersonTrack)(nil)

// standing is one of the person's rooms.
type standing struct {
	since events.Seq
	sight Sight // nil: not read yet
}

// sweep is the reading of a partition up to an offset.
type sweep struct {
	partition events.Partition
	below     events.Offset
	rooms     []Head // still to be read, by id
	from      Place  // in the first of them
}

// Begin sets where the stream begins, as the heads of that moment show it.
func (t *PersonTrack) Begin(c Cursor, now Heads) {
	t.rooms, t.held = map[events.RoomID]*standing{}, map[events.RoomID]events.Offset{}
	t.next, t.stale = slices.Clone(now.Next), make([]bool, len(now.Next))
	for p := range t.next {
		if at, ok := c.At.Next(events.Partition(p)); ok {
			t.next[p] = at
		}
		t.stale[p] = true
	}
	maps.Copy(t.held, c.Held)
	for _, h := range now.Rooms {
		if h.Member && h.Blocked >= 0 && h.Blocked < t.next[h.Partition] {
			if _, named := t.held[h.Room]; !named {
				t.held[h.Room] = h.Blocked
			}
		}
	}
	if s := c.Sweep; s != nil {
		t.sweeps = []sweep{{partition: s.Partition, below: s.Next, from: Place{Offset: s.Offset}, rooms: t.behind(now, s.Partition, s.Room)}}
		if rest := t.sweeps[0].rooms; len(rest) == 0 || rest[0].Room != s.Room {
			t.sweeps[0].from = Place{}
		}
	}
	t.attach(now)
}

// Replay implements [Track].
func (t *PersonTrack) Replay(ctx context.Context, show Show) (more bool, end string, err error) {
	if len(t.sweeps) == 0 && slices.Contains(t.stale, true) {
		now, err := t.Reads.Heads(ctx)
		if err != nil {
			return false, "", err
		}
		if t.attach(now) {
			return true, "", nil // what happened before they were followed, the next heads show
		}
		t.plan(now)
	}
	t.finish()
	if len(t.sweeps) > 0 {
		if err := t.read(ctx, &t.sweeps[0], show); err != nil {
			return false, "", err
		}
		t.finish() // now: a stream may end before the next page
	}
	return len(t.sweeps) > 0 || slices.Contains(t.stale, true), "", nil
}

// finish ends the sweeps that have no room left.
func (t *PersonTrack) finish() {
	for len(t.sweeps) > 0 && len(t.sweeps[0].rooms) == 0 {
		s := t.sweeps[0]
		t.next[s.partition] = max(t.next[s.partition], s.below)
		t.sweeps = t.sweeps[1:]
	}
}

// attach follows the person's rooms.
func (t *PersonTrack) attach(now Heads) (added bool) {
	rooms := make([]events.RoomID, 0, len(now.Rooms))
	for _, h := range now.Rooms {
		if h.Member {
			rooms = append(rooms, h.Room)
		}
	}
	return t.Sub.Attach(rooms...)
}

// plan begins to sweep the stale partitions: the person's rooms in them are those
// that the heads show.
func (t *PersonTrack) plan(now Heads) {
	theirs := make(map[events.RoomID]*standing, len(now.Rooms))
	for _, h := range now.Rooms {
		if !t.stale[h.Partition] {
			continue
		}
		if !h.Member {
			delete(t.held, h.Room)
			continue
		}
		theirs[h.Room] = &standing{since: h.Since}
		if was := t.rooms[h.Room]; was != nil && was.since == h.Since {
			theirs[h.Room].sight = was.sight
		}
		if h.Last < t.from(h) {
			t.hold(h, now.Next[h.Partition])
		}
	}
	for r := range t.rooms {
		switch {
		case !t.stale[t.PartitionOf(r)]:
			theirs[r] = t.rooms[r]
		case theirs[r] == nil:
			t.Sub.Detach(r)
		}
	}
	t.rooms = theirs
	for p, stale := range t.stale {
		if stale {
			p := events.Partition(p)
			t.sweeps = append(t.sweeps, sweep{partition: p, below: now.Next[p], rooms: t.behind(now, p, "")})
			t.stale[p] = false
		}
	}
}

// behind are the rooms of a partition, from one on, of which something is missing.
func (t *PersonTrack) behind(now Heads, p events.Partition, first events.RoomID) (rooms []Head) {
	for _, h := range now.Rooms {
		if h.Partition == p && h.Room >= first && h.Last >= t.from(h) {
			rooms = append(rooms, h)
		}
	}
	slices.SortFunc(rooms, func(a, b Head) int { return cmp.Compare(a.Room, b.Room) })
	return rooms
}

// from is the offset below which the reader has everything of a room.
func (t *PersonTrack) from(h Head) events.Offset {
	if at, ok := t.held[h.Room]; ok {
		return at
	}
	return t.next[h.Partition]
}

// hold notes whether a room is blocked of which nothing is missing below an offset.
func (t *PersonTrack) hold(h Head, below events.Offset) {
	if h.Member && h.Blocked >= 0 && h.Blocked < below {
		t.held[h.Room] = h.Blocked
	} else {
		delete(t.held, h.Room)
	}
}

// read reads the next page of a sweep's first room.
func (t *PersonTrack) read(ctx context.Context, s *sweep, show Show) error {
	h := s.rooms[0]
	if s.from.Offset < t.from(h) {
		s.from = Place{Offset: t.from(h)}
	}
	page, err := t.Reads.Stretch(ctx, h.Room, s.from, s.below)
	if err != nil {
		return err
	}
	if m := t.rooms[h.Room]; m != nil && page.Sight != nil {
		m.sight = page.Sight
	}
	for _, f := range page.Frames {
		s.from = Place{Offset: f.Offset + 1, After: f.Seq}
		if f.Ends(t.User) == "" && !t.wants(f) {
			continue
		}
		if err := show(f); err != nil {
			return err
		}
	}
	if s.from = page.Next; !page.More {
		s.rooms, s.from = s.rooms[1:], Place{}
		t.hold(h, s.below)
	}
	return nil
}

// Take implements [Track]. What is below where the track is in the partition was
// there before.
func (t *PersonTrack) Take(f *Frame, show Show) (behind bool, end string, err error) {
	if f.Offset < t.next[f.Partition] {
		return false, "", nil
	}
	room := t.rooms[f.Room]
	if f.Blocked {
		if room != nil {
			t.held[f.Room] = f.Offset
		}
		return false, "", nil
	}
	own := f.Concerns(t.User)
	if room != nil && !own && f.About > 0 && f.About < room.since && room.sight == nil {
		t.stale[f.Partition] = true // a message from before their time: what they may see of that is to be read
		return true, "", nil
	}
	t.next[f.Partition] = f.Offset + 1
	closed := f.Ends(t.User) != "" && (own || room != nil)
	switch {
	case closed:
		delete(t.rooms, f.Room)
		delete(t.held, f.Room)
		t.Sub.Detach(f.Room)
	case f.Opens(t.User) && room == nil:
		room = &standing{since: f.Seq}
		t.rooms[f.Room] = room
		if t.Sub.Attach(f.Room) {
			t.stale[f.Partition], behind = true, true
		}
	}
	if closed || t.wants(f) && (own || room != nil && room.sees(f)) {
		err = show(f)
	}
	return behind, "", err
}

// sees reports whether a member may see an event that happens in their presence.
func (m *standing) sees(f *Frame) bool {
	return f.About == 0 || f.About >= m.since || m.sight.Contains(f.About)
}

// Missed implements [Track].
func (t *PersonTrack) Missed(stale []events.Partition) {
	for _, p := range stale {
		t.stale[p] = true
	}
}

// Sees implements [Track].
func (t *PersonTrack) Sees(f *Frame) bool {
	return t.wants(f) && (f.Room == "" || t.rooms[f.Room] != nil)
}

func (t *PersonTrack) wants(f *Frame) bool { return t.Wanted == nil || t.Wanted(f.Type) }

// Cursor implements [Track].
func (t *PersonTrack) Cursor(b []byte) []byte {
	return append(append(append(b, '"'), t.cursor().String()...), '"')
}

func (t *PersonTrack) cursor() Cursor {
	c := Cursor{Held: t.held}
	next := t.next
	if len(t.held) > maxHeld {
		next, c.Held = slices.Clone(t.next), map[events.RoomID]events.Offset{}
		for i, r := range slices.Sorted(maps.Keys(t.held)) {
			if p := t.PartitionOf(r); i < maxHeld {
				c.Held[r] = t.held[r]
			} else {
				next[p] = min(next[p], t.held[r])
			}
		}
	}
	if len(t.sweeps) > 0 {
		if s := t.sweeps[0]; len(s.rooms) > 0 {
			c.Sweep = &Sweep{Partition: s.partition, Next: s.below, Room: s.rooms[0].Room, Offset: s.from.Offset}
		}
	}
	c.At = events.VectorOf(t.Log, t.Epoch, next)
	return c
}
