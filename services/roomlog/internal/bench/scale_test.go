package bench

import (
	"slices"
	"strconv"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
)

// Whoever sends to a room or reads it is a member, and was one before.
func TestMembersOfAScale(t *testing.T) {
	for _, rooms := range []int{1, 10, 100, 1000} {
		s := scale{rooms: rooms, followers: 3}
		for _, clients := range []int{load.Senders, pageClients} {
			for client := range clients {
				for _, r := range load.RoomsOf(client, clients, rooms) {
					if !slices.Contains(s.members(r), client) {
						t.Errorf("%d rooms: %d of %d clients is not in room %d", rooms, client, clients, r)
					}
				}
			}
		}
		if all := s.members(0); !slices.Contains(all, load.FirstFollower+2) || len(s.members(rooms-1)) > load.Senders+3 {
			t.Errorf("%d rooms: members of the first are %v", rooms, all)
		}
	}
}

func TestEventsOfAScale(t *testing.T) {
	s := scale{rooms: 10, messages: 1000, followers: 5}
	made := map[events.RoomID]bool{}
	ids := map[events.EventID]bool{}
	messages := map[events.RoomID]int{}
	n := 0
	for e := range s.events() {
		if _, err := events.Encode(&e); err != nil {
			t.Fatal(err)
		}
		if ids[e.ID] {
			t.Fatalf("two events are %s", e.ID)
		}
		ids[e.ID] = true
		made[e.Room] = made[e.Room] || e.Type == events.TypeRoomCreated
		if f, ok := e.Facts.(events.MessagePosted); ok {
			r, _ := strconv.Atoi(string(e.Room))
			if at := s.nth(r, messages[e.Room]); at != n {
				t.Fatalf("message %d of room %d is number %d of all, not %d", messages[e.Room], r, n, at)
			}
			messages[e.Room]++
			n++
			if f.TextBytes != load.TextSize {
				t.Errorf("a text of %d bytes", f.TextBytes)
			}
		}
		if !made[e.Room] {
			t.Fatalf("%s comes before its room", e.ID)
		}
	}
	if len(messages) != 10 || messages["3"] != 100 {
		t.Errorf("messages by room: %v", messages)
	}
}
