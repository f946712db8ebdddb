package httpapi

import (
	"strconv"
	"sync"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/limit"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Limits are what one person may do, and what one room takes.
type Limits struct {
	// Reads and Commands are requests of one person.
	Reads, Commands *limit.Buckets[auth.Account]
	// Rooms is shared with the commands, which take from it: what a room's own
	// rules refuse is not at its cost.
	Rooms *limit.Buckets[readmodel.Key]
	// Requests is how many of them one person may have under way, streams included.
	Requests int
	// Streams is how many streams and long polls one person may have.
	Streams int
}

// limit refuses what is too much, before a body is read.
func (s *Server) limit(x *exchange) error {
	if x.who.User == "" {
		return nil
	}
	var most [2]limit.State
	states := s.take(most[:0], x)
	tellLimits(x, states)
	for _, state := range states {
		if err := state.Err(); err != nil {
			return err
		}
	}
	if x.counted = s.requests.enter(x.who.Account()); !x.counted {
		return problem.New(problem.TooManyRequests, "you have too many requests under way")
	}
	return nil
}

// take takes from the person's bucket, and looks at the room's. It appends what they say.
func (s *Server) take(states []limit.State, x *exchange) []limit.State {
	now, account := x.begun, x.who.Account()
	if x.need != toWrite {
		return append(states, s.Limits.Reads.Take(account, now))
	}
	states = append(states, s.Limits.Commands.Take(account, now))
	if id, err := events.ParseRoomID(x.Param("room")); err == nil {
		states = append(states, s.Limits.Rooms.Look(readmodel.Key{Tenant: x.who.Tenant, Room: id}, now))
	}
	return states
}

// tellLimits writes the headers of draft-ietf-httpapi-ratelimit-headers-10: lists
// of policies, and of what is left of each.
func tellLimits(x *exchange, states []limit.State) {
	policies, left := make([]byte, 0, 128), make([]byte, 0, 64)
	for i, s := range states {
		if i > 0 {
			policies, left = append(policies, ", "...), append(left, ", "...)
		}
		policies = appendMember(policies, s.Policy.Name, "q", s.Policy.Burst, "w", max(1, ceil(s.Policy.Window())))
		left = appendMember(left, s.Policy.Name, "r", s.Left(), "t", ceil(s.Full()))
	}
	both := string(append(policies, left...))
	x.set("Ratelimit-Policy", both[:len(policies)])
	x.set("Ratelimit", both[len(policies):])
}

// appendMember writes a member of a list with two parameters (RFC 9651).
func appendMember(b []byte, name, first string, n int, second string, m int) []byte {
	b = append(append(append(b, '"'), name...), `";`...)
	b = strconv.AppendInt(append(append(b, first...), '='), int64(n), 10)
	b = append(append(append(b, ';'), second...), '=')
	return strconv.AppendInt(b, int64(m), 10)
}

// ceil is a time in whole seconds.
func ceil(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// counter counts what each user has under way.
type counter struct {
	max  int
	mu   sync.Mutex
	open map[auth.Account]int
}

func newCounter(most int) *counter { return &counter{max: most, open: map[auth.Account]int{}} }

// enter counts one more, where the user may have it.
func (s *counter) enter(a auth.Account) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[a] >= s.max {
		return false
	}
	s.open[a]++
	return true
}

func (s *counter) leave(a auth.Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[a]--; s.open[a] == 0 {
		delete(s.open, a)
	}
}
