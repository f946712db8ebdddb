package fold

import (
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Cache keeps the headers and members of one owned partition's rooms, the latest
// used and not blocked, so that they need not be read for each batch. What it has is what the last
// committed batch left: with each claim it must be purged. Not for concurrent use.
type Cache struct {
	headers *simplelru.LRU[readmodel.Key, *room.Header]
	members *simplelru.LRU[memberKey, room.Member]
}

type memberKey struct {
	readmodel.Key
	user events.UserID
}

// NewCache makes a cache of at most size headers and as many members.
func NewCache(size int) (*Cache, error) {
	headers, err := simplelru.NewLRU[readmodel.Key, *room.Header](size, nil)
	if err != nil {
		return nil, fmt.Errorf("cache of headers: %w", err)
	}
	members, err := simplelru.NewLRU[memberKey, room.Member](size, nil)
	if err != nil {
		return nil, fmt.Errorf("cache of members: %w", err)
	}
	return &Cache{headers: headers, members: members}, nil
}

// header gives a header, or nil where it is not cached.
func (c *Cache) header(k readmodel.Key) *room.Header {
	h, _ := c.headers.Get(k)
	return h
}

func (c *Cache) member(k readmodel.Key, u events.UserID) (room.Member, bool) {
	return c.members.Get(memberKey{k, u})
}

// keep takes what a room's view has become. That somebody has nothing to do with
// a room is not kept, nor the header of a room that may be blocked: with the header
// the next batch reads whether it is.
func (c *Cache) keep(k readmodel.Key, v *room.View, blocked bool) {
	switch {
	case blocked:
		c.headers.Remove(k)
	case v.Header != nil:
		c.headers.Add(k, v.Header)
	}
	for u, m := range v.Members {
		c.members.Add(memberKey{k, u}, m)
	}
}

// Purge forgets all.
func (c *Cache) Purge() {
	c.headers.Purge()
	c.members.Purge()
}
