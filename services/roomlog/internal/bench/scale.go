package bench

import (
	"fmt"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
)

// spacing is how far messages are from each other that were there before.
const spacing = time.Millisecond

// scale is what there is before anything is measured: rooms, messages, whole pages of them
// in each room, and people who follow the first room. All who send and read pages are members of
// the rooms of which it is their part.
type scale struct {
	rooms, messages, followers int
}

// nth is which of all messages is one of a room's. They come in pages, so that a page of
// a table is not written again for each: 100,000 rooms would take twice as long.
func (s scale) nth(room, message int) int {
	return (message/pageLimit*s.rooms+room)*pageLimit + message%pageLimit
}

// begin is when the first message was sent.
var begin = time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)

// members are those of a room, by load.RoomsOf, the owner first.
func (s scale) members(room int) (users []int) {
	known := map[int]bool{}
	for _, clients := range []int{load.Senders, pageClients} {
		for u := room % clients; u < clients; u += s.rooms {
			if !known[u] {
				known[u] = true
				users = append(users, u)
			}
		}
	}
	if room == 0 {
		for i := range s.followers {
			users = append(users, load.FirstFollower+i)
		}
	}
	return users
}

// newest are the paths of a client's pages at the ends of its rooms.
func (s scale) newest(client int) (paths []string) {
	for _, room := range load.RoomsOf(client, pageClients, s.rooms) {
		paths = append(paths, pagePath(room, ""))
	}
	return paths
}

// places is how many pages in the history of a room are read.
const places = 100

// before are the paths of pages everywhere in the history of a client's rooms.
func (s scale) before(client int) []string {
	return s.deep(client, func(room, message int) string {
		return fmt.Sprintf("&before=%d", len(s.members(room))+message+1)
	})
}

// at are the same pages by the time.
func (s scale) at(client int) []string {
	return s.deep(client, func(room, message int) string {
		return "&at=" + begin.Add(time.Duration(s.nth(room, message))*spacing).Format(time.RFC3339Nano)
	})
}

func (s scale) deep(client int, query func(room, message int) string) (paths []string) {
	each := s.messages / s.rooms
	for _, room := range load.RoomsOf(client, pageClients, s.rooms) {
		for i := range places {
			// Where there is a whole page on either side.
			paths = append(paths, pagePath(room, query(room, pageLimit+i*(each-2*pageLimit)/places)))
		}
	}
	return paths
}

func pagePath(room int, query string) string {
	return fmt.Sprintf("%s/messages?limit=%d%s", load.RoomPath(room), pageLimit, query)
}
