package live

import (
	"log/slog"
	"sync"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
)

// Hub hands the events of rooms to those who follow them. It never waits for a
// follower.
//
// Who follows a person's rooms hears of what changes the person's memberships, and
// of all else in a room from the very event that lets the person in to the one
// that takes the room away.
type Hub struct {
	log       *slog.Logger
	listeners *timeline.Listeners
	mu        sync.Mutex
	all       set
	rooms     map[readmodel.Key]set
	persons   map[person]set
}

type (
	set    map[*Subscription]struct{}
	person struct {
		tenant events.Tenant
		user   events.UserID
	}
)

// NewHub makes a hub that nobody follows. Who does is one of the listeners.
func NewHub(log *slog.Logger, l *timeline.Listeners) *Hub {
	return &Hub{log: log, listeners: l, all: set{}, rooms: map[readmodel.Key]set{}, persons: map[person]set{}}
}

// Subscribe begins to follow a room. What is committed from now on comes through
// [Subscription.Take], in order, or it tells to look at the read model.
func (h *Hub) Subscribe(k readmodel.Key, p events.Partition) *Subscription {
	s := &Subscription{hub: h, key: k, queue: newQueue(), partition: p}
	h.listeners.Enter()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all[s] = struct{}{}
	add(h.rooms, k, s)
	return s
}

// SubscribePerson begins to follow a person: see [Subscription.Attach] for rooms
// that are the person's already. Only, where it is not nil, names the rooms that
// are followed, now or later.
func (h *Hub) SubscribePerson(t events.Tenant, u events.UserID, only map[events.RoomID]bool) *Subscription {
	s := &Subscription{
		hub: h, key: readmodel.Key{Tenant: t}, user: u, only: only, queue: newQueue(), rooms: map[events.RoomID]struct{}{},
	}
	h.listeners.Enter()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all[s] = struct{}{}
	add(h.persons, person{t, u}, s)
	return s
}

// Deliver hands out what a commit made visible, in log order.
func (h *Hub) Deliver(rows []readmodel.EventRow, blocked []timeline.Block) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range rows {
		for len(blocked) > 0 && blocked[0].Offset < rows[i].Offset {
			h.block(blocked[0])
			blocked = blocked[1:]
		}
		h.deliver(&rows[i])
	}
	for _, b := range blocked {
		h.block(b)
	}
}

func (h *Hub) deliver(row *readmodel.EventRow) {
	changes := row.Type == events.TypeMemberChanged || row.Type == events.TypeRoomCreated
	if len(h.rooms[row.Key]) == 0 && (!changes || len(h.persons) == 0) {
		return
	}
	f, err := NewFrame(row)
	if err != nil {
		h.log.Error("timeline event cannot be shown", "room_id", row.Room, "event_id", row.ID, "error", err)
		return
	}
	for s := range h.rooms[f.Key] {
		s.push(f)
	}
	for _, u := range f.People {
		for s := range h.persons[person{f.Tenant, u}] {
			h.change(s, f)
		}
	}
	if f.Type == events.TypeRoomDeleted {
		for s := range h.rooms[f.Key] {
			h.detach(s, f.Room)
		}
	}
}

// change gives an event to a follower of the person whose membership it changes.
func (h *Hub) change(s *Subscription, f *Frame) {
	if _, has := s.rooms[f.Room]; !has && s.wants(f.Room) {
		s.push(f)
	}
	switch {
	case f.Opens(s.user):
		h.attach(s, f.Room)
	case f.Ends(s.user) != "":
		h.detach(s, f.Room)
	}
}

// block tells those who follow a person that a room of theirs is blocked.
func (h *Hub) block(b timeline.Block) {
	var f *Frame
	for s := range h.rooms[b.Key] {
		if s.rooms == nil {
			continue
		}
		if f == nil {
			f = &Frame{Key: b.Key, Partition: b.Partition, Offset: b.Offset, Blocked: true}
		}
		s.push(f)
	}
}

// Tell hands out what is no event: to each follower of one of the rooms once.
func (h *Hub) Tell(f *Frame, rooms ...readmodel.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	told := set{}
	for _, k := range rooms {
		for s := range h.rooms[k] {
			if _, again := told[s]; !again {
				s.push(f)
			}
			if len(rooms) > 1 {
				told[s] = struct{}{}
			}
		}
	}
}

// Resync tells all who follow rooms of a partition that events may be missing.
func (h *Hub) Resync(p events.Partition) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.all {
		if s.rooms != nil || s.partition == p {
			s.markStale(p)
		}
	}
}

// Followers is how many there are.
func (h *Hub) Followers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all)
}

// attach reports whether the follower did not follow the room before.
func (h *Hub) attach(s *Subscription, r events.RoomID) bool {
	if _, has := s.rooms[r]; has || !s.wants(r) {
		return false
	}
	if _, open := h.all[s]; !open {
		return false
	}
	s.rooms[r] = struct{}{}
	add(h.rooms, readmodel.Key{Tenant: s.key.Tenant, Room: r}, s)
	return true
}

func (h *Hub) detach(s *Subscription, r events.RoomID) {
	if _, has := s.rooms[r]; has {
		delete(s.rooms, r)
		remove(h.rooms, readmodel.Key{Tenant: s.key.Tenant, Room: r}, s)
	}
}

func add[K comparable](m map[K]set, k K, s *Subscription) {
	if m[k] == nil {
		m[k] = set{}
	}
	m[k][s] = struct{}{}
}

func remove[K comparable](m map[K]set, k K, s *Subscription) {
	delete(m[k], s)
	if len(m[k]) == 0 {
		delete(m, k)
	}
}
