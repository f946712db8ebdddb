package live

import (
	"log/slog"
	"sync"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// buffer is how many events may wait for a follower; one more and it reads them
// from the read model instead.
const buffer = 128

// Hub hands the events of rooms to those who follow them. It never waits for a
// follower.
type Hub struct {
	log   *slog.Logger
	mu    sync.Mutex
	rooms map[readmodel.Key]map[*Subscription]struct{}
	count int
}

// NewHub makes a hub that nobody follows.
func NewHub(log *slog.Logger) *Hub {
	return &Hub{log: log, rooms: map[readmodel.Key]map[*Subscription]struct{}{}}
}

// Subscription is one follower of one room.
type Subscription struct {
	hub       *Hub
	key       readmodel.Key
	partition events.Partition
	frames    chan *Frame
	stale     chan struct{}
}

// Subscribe begins to follow a room. What is committed from now on comes through
// Frames, in order, or Stale tells to look at the read model.
func (h *Hub) Subscribe(k readmodel.Key, p events.Partition) *Subscription {
	s := &Subscription{hub: h, key: k, partition: p, frames: make(chan *Frame, buffer), stale: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rooms[k] == nil {
		h.rooms[k] = map[*Subscription]struct{}{}
	}
	h.rooms[k][s] = struct{}{}
	h.count++
	return s
}

// Close stops following.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if _, ok := s.hub.rooms[s.key][s]; !ok {
		return
	}
	delete(s.hub.rooms[s.key], s)
	if len(s.hub.rooms[s.key]) == 0 {
		delete(s.hub.rooms, s.key)
	}
	s.hub.count--
}

// Frames are the room's events. There may be holes and repetitions: the seq
// tells, and the read model has what is missing.
func (s *Subscription) Frames() <-chan *Frame { return s.frames }

// Stale tells that events may have been missed without a later one to show it.
func (s *Subscription) Stale() <-chan struct{} { return s.stale }

func (s *Subscription) markStale() {
	select {
	case s.stale <- struct{}{}:
	default:
	}
}

// Deliver hands out events, in log order.
func (h *Hub) Deliver(rows []readmodel.EventRow) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range rows {
		followers := h.rooms[rows[i].Key]
		if len(followers) == 0 {
			continue
		}
		f, err := NewFrame(&rows[i])
		if err != nil {
			h.log.Error("timeline event cannot be shown", "room_id", rows[i].Room, "event_id", rows[i].ID, "error", err)
			continue
		}
		for s := range followers {
			select {
			case s.frames <- f:
			default:
				s.markStale()
			}
		}
	}
}

// Resync tells all who follow rooms of a partition that events may be missing.
func (h *Hub) Resync(p events.Partition) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, followers := range h.rooms {
		for s := range followers {
			if s.partition == p {
				s.markStale()
			}
		}
	}
}

// Followers is how many there are.
func (h *Hub) Followers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}
