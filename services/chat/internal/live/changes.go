package live

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// changes counts by room what has changed in it beside its messages: who is in it and
// what they may. Rooms share counts: a count that moves says that its room may have changed.
type changes struct {
	seed   maphash.Seed
	counts [4096]atomic.Uint64
	// missed is how often something may not have been counted.
	missed atomic.Uint64
}

func (c *changes) of(k readmodel.Key) *atomic.Uint64 {
	return &c.counts[maphash.Comparable(c.seed, k)%uint64(len(c.counts))]
}

func (c *changes) saw(rows []readmodel.EventRow) {
	for i := range rows {
		if e := &rows[i]; !aboutMessages(e.Type) {
			c.of(e.Key).Add(1)
		}
	}
}

// aboutMessages reports whether an event leaves alone who may post what in a room.
func aboutMessages(t events.Type) bool {
	switch t { //nolint:exhaustive // the others are not, nor is what comes later
	case events.TypeMessagePosted, events.TypeMessageEdited, events.TypeMessageRedacted, events.TypeMessagePinned, events.TypeMessageUnpinned,
		events.TypeReactionAdded, events.TypeReactionRemoved, events.TypeMarkMoved, events.TypePreferencesChanged:
		return true
	}
	return false
}

// Glance is a moment at which somebody looks at a room in the read model.
type Glance struct {
	changes *atomic.Uint64
	then    uint64
	missed  uint64
}

// NewGlance begins one, of a room whose changes are counted there, when so many may not
// have been.
func NewGlance(changes *atomic.Uint64, missed uint64) Glance {
	return Glance{changes, changes.Load(), missed}
}

// Glance begins one, before the read model is asked.
func (f *Follower) Glance(room readmodel.Key) Glance {
	return NewGlance(f.changes.of(room), f.changes.missed.Load())
}

// Holds reports whether the timeline has told since of nothing that changes who may post
// in the room. The zero Glance holds.
func (g Glance) Holds() bool { return g.changes == nil || g.changes.Load() == g.then }

// Certain reports whether the timeline would have told of a change since, up to a moment
// ago: it tells of the room's partition, and nothing was missed.
func (f *Follower) Certain(g Glance, p events.Partition) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	h, ok := f.parts[p]
	return ok && h.next != unknown && f.Now().Sub(h.heard) <= silence && f.changes.missed.Load() == g.missed
}
