package live

import (
	"slices"
	"sync"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

const (
	// buffer is how many events may wait for a follower; one more and it reads
	// them from the read model instead.
	buffer = 128
	// ephemeralBuffer is how many may wait where what is ephemeral is still added.
	ephemeralBuffer = buffer / 4
)

// Subscription is one follower of a room, or of a person.
type Subscription struct {
	hub *Hub
	key readmodel.Key // of a person: the tenant alone
	queue

	partition events.Partition // of the room

	// What follows is of those who follow a person. The hub's lock guards rooms.
	user  events.UserID
	only  map[events.RoomID]bool
	rooms map[events.RoomID]struct{}
}

// Attach has a follower of a person follow rooms that are the person's. Added says
// that some were not followed before: what happened in them meanwhile is in the
// read model.
func (s *Subscription) Attach(rooms ...events.RoomID) (added bool) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	for _, r := range rooms {
		added = s.hub.attach(s, r) || added
	}
	return added
}

// Detach has it follow a room no longer.
func (s *Subscription) Detach(r events.RoomID) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.hub.detach(s, r)
}

// Close stops following.
func (s *Subscription) Close() {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, open := h.all[s]; !open {
		return
	}
	h.listeners.Leave()
	delete(h.all, s)
	if s.rooms == nil {
		remove(h.rooms, s.key, s)
		return
	}
	remove(h.persons, person{s.key.Tenant, s.user}, s)
	for r := range s.rooms {
		h.detach(s, r)
	}
}

func (s *Subscription) wants(r events.RoomID) bool { return s.only == nil || s.only[r] }

// queue is what waits for a follower. One that is empty holds no memory.
type queue struct {
	ready chan struct{}

	mu     sync.Mutex
	frames []*Frame
	stale  []events.Partition
	came   int // events since the last Take, whether they are here or not
}

func newQueue() queue { return queue{ready: make(chan struct{}, 1)} }

// Ready tells that there is something to take.
func (q *queue) Ready() <-chan struct{} { return q.ready }

// Take gives what has come, in order. There may be holes and repetitions. Stale
// are the partitions of which events may have been missed without a later one to
// show it: the read model has them, and whatever of these frames they are.
func (q *queue) Take() (frames []*Frame, stale []events.Partition) {
	q.mu.Lock()
	defer q.mu.Unlock()
	frames, stale = q.frames, q.stale
	q.frames, q.stale, q.came = nil, nil, 0
	return frames, stale
}

// Overflowed reports whether more events have come since the last Take than can wait, or
// some may have been missed: nobody knows how many.
func (q *queue) Overflowed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.came > buffer || len(q.stale) > 0
}

// push adds a frame. Where it finds no room, the follower reads the read model;
// what is ephemeral is lost before that.
func (q *queue) push(f *Frame) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !f.Ephemeral() {
		q.came++
	}
	switch {
	case f.Ephemeral():
		if len(q.frames) >= ephemeralBuffer {
			return
		}
	case slices.Contains(q.stale, f.Partition):
		return // it will be read with the rest
	case len(q.frames) >= buffer:
		q.stale = append(q.stale, f.Partition)
		return // it is ready already
	}
	q.frames = append(q.frames, f)
	q.signal()
}

func (q *queue) markStale(p events.Partition) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !slices.Contains(q.stale, p) {
		q.stale = append(q.stale, p)
	}
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}
