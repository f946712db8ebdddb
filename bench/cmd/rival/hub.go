package main

import (
	"encoding/json"
	"sync"
)

// waiting is how many messages may wait for a subscriber; more are lost.
const waiting = 1024

// hub gives messages to the subscribers of their rooms.
type hub struct {
	mu   sync.RWMutex
	subs map[int64]map[chan []byte]bool
}

func newHub() *hub { return &hub{subs: map[int64]map[chan []byte]bool{}} }

func (h *hub) subscribe(rooms []int64) chan []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	news := make(chan []byte, waiting)
	for _, r := range rooms {
		if h.subs[r] == nil {
			h.subs[r] = map[chan []byte]bool{}
		}
		h.subs[r][news] = true
	}
	return news
}

func (h *hub) unsubscribe(rooms []int64, news chan []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range rooms {
		delete(h.subs[r], news)
	}
}

// publish encodes a message once for all, where there is anybody.
func (h *hub) publish(m *message) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	subs := h.subs[m.Room]
	if len(subs) == 0 {
		return nil
	}
	item, err := json.Marshal(m)
	if err != nil {
		return err
	}
	for news := range subs {
		select {
		case news <- item:
		default:
		}
	}
	return nil
}
