package fold

import (
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Headers caches the headers of one owned partition's rooms, the latest used.
// What is cached is what the last committed batch left: after a roll-back or a
// commit of unknown outcome it must be purged. Not for concurrent use.
type Headers struct {
	lru *simplelru.LRU[readmodel.Key, *room.Header]
}

// NewHeaders makes a cache of at most size headers.
func NewHeaders(size int) (*Headers, error) {
	l, err := simplelru.NewLRU[readmodel.Key, *room.Header](size, nil)
	if err != nil {
		return nil, fmt.Errorf("header cache: %w", err)
	}
	return &Headers{l}, nil
}

// Get gives a header, or nil where it is not cached.
func (h *Headers) Get(k readmodel.Key) *room.Header {
	v, _ := h.lru.Get(k)
	return v
}

// Committed takes the headers of a batch that has been committed.
func (h *Headers) Committed(headers []*room.Header) {
	for _, v := range headers {
		h.lru.Add(readmodel.Key{Tenant: v.Tenant, Room: v.Room}, v)
	}
}

// Purge forgets all.
func (h *Headers) Purge() { h.lru.Purge() }
