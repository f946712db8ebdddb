package fold

import (
	"fmt"
	"slices"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Cache keeps the headers and members of one owned partition's rooms, the latest
// used and not blocked, so that they need not be read for each batch. What it has is what the last
// committed batch left: with each claim it must be purged. Not for concurrent use.
type Cache struct {
	rooms   *simplelru.LRU[readmodel.Key, known]
	members *simplelru.LRU[memberKey, room.Member]
}

// known is what is kept of a room.
type known struct {
	header *room.Header
	// highest is the highest id of what was judged: higher ones are new. Those that the
	// API makes where a client sends no key are in the order of time.
	highest events.EventID
}

type memberKey struct {
	readmodel.Key
	user events.UserID
}

// NewCache makes a cache of at most size headers and as many members.
func NewCache(size int) (*Cache, error) {
	rooms, err := simplelru.NewLRU[readmodel.Key, known](size, nil)
	if err != nil {
		return nil, fmt.Errorf("cache of headers: %w", err)
	}
	members, err := simplelru.NewLRU[memberKey, room.Member](size, nil)
	if err != nil {
		return nil, fmt.Errorf("cache of members: %w", err)
	}
	return &Cache{rooms: rooms, members: members}, nil
}

// held is what the cache has of what a batch needs of a room.
type held struct {
	known   // without a header: it is not cached
	members []room.Member
}

// take takes out of a room's needs, which ascend, what need not be read.
func (c *Cache) take(k readmodel.Key, n *readmodel.RoomNeeds) (h held) {
	var cached bool
	if h.known, cached = c.rooms.Get(k); cached {
		old, _ := slices.BinarySearchFunc(n.Priors, h.highest, func(id, highest events.EventID) int {
			if id <= highest {
				return -1
			}
			return 1
		})
		n.Priors = n.Priors[:old]
	}
	n.Header = !cached
	n.Members = slices.DeleteFunc(n.Members, func(u events.UserID) bool {
		m, ok := c.members.Get(memberKey{k, u})
		if ok {
			h.members = append(h.members, m)
		}
		return ok
	})
	return h
}

// keep takes what a room's view has become. That somebody has nothing to do with
// a room is not kept, nor the header of a room that may be blocked: with the header
// the next batch reads whether it is.
func (c *Cache) keep(k readmodel.Key, v *room.View, highest events.EventID, blocked bool) {
	switch {
	case blocked:
		c.rooms.Remove(k)
	case v.Header != nil:
		c.rooms.Add(k, known{v.Header, highest})
	}
	for u, m := range v.Members {
		c.members.Add(memberKey{k, u}, m)
	}
}

// Purge forgets all.
func (c *Cache) Purge() {
	c.rooms.Purge()
	c.members.Purge()
}
