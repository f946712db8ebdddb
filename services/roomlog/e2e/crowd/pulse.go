package crowd

import (
	"sync"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// Pulse measures the longest time without an acknowledgement, in any room and in
// each one. It uses the monotonic clock.
type Pulse struct {
	mu    sync.Mutex
	all   beat
	rooms map[events.RoomID]*beat
}

type beat struct {
	last    time.Time
	longest time.Duration
}

func (b *beat) now(t time.Time) {
	b.longest = max(b.longest, t.Sub(b.last))
	b.last = t
}

func newPulse() *Pulse { return &Pulse{rooms: map[events.RoomID]*beat{}} }

// Begin starts a measurement of the given rooms.
func (p *Pulse) Begin(rooms []events.RoomID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.all = beat{last: now}
	clear(p.rooms)
	for _, r := range rooms {
		p.rooms[r] = &beat{last: now}
	}
}

// Longest gives, since Begin, the longest time in which nobody was acknowledged
// anything, and the longest in which nobody was in one of the rooms.
func (p *Pulse) Longest() (all, room time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, b := range p.rooms {
		room = max(room, b.longest, now.Sub(b.last))
	}
	return max(p.all.longest, now.Sub(p.all.last)), room
}

func (p *Pulse) beat(room events.RoomID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.all.now(now)
	if b := p.rooms[room]; b != nil {
		b.now(now)
	}
}
