package load

import (
	"bytes"
	"errors"
	"strconv"
	"time"
)

// Rooms is over how many rooms the load is spread.
const Rooms = 100

// TextSize is how many bytes a message's text has where the target does not say.
const TextSize = 200

// Target is a service under load.
type Target struct {
	Address string // host:port
	// Token is a user's; nil where the service asks for none.
	Token func(user int) string
	// Text is how many bytes the text of a message has, which is another in each; 0: 200,
	// the same in all. Followers understand none of less than 24.
	Text int
}

func (t Target) token(user int) string {
	if t.Token == nil {
		return ""
	}
	return t.Token(user)
}

// Dial makes a client of a user's.
func (t Target) Dial(user int) *Conn { return Dial(t.Address, t.token(user)) }

// RoomPath is where a room is. Rooms are numbered from 0 on.
func RoomPath(room int) string { return "/v1/rooms/" + strconv.Itoa(room) }

// RoomsOf are the rooms in which one of so many clients sends: its own, as far as
// there are enough.
func RoomsOf(client, clients, rooms int) (all []int) {
	if clients >= rooms {
		return []int{client % rooms}
	}
	for r := client; r < rooms; r += clients {
		all = append(all, r)
	}
	return all
}

// sender sends messages to its rooms in turn.
type sender struct {
	*Conn
	paths []string
	sent  int
	text  []byte
	size  int // of the text; 0: as all others'
	acked *ids
}

func newSender(t Target, user int, rooms []int, acked *ids) *sender {
	s := &sender{Conn: t.Dial(user), size: t.Text, acked: acked}
	for _, r := range rooms {
		s.paths = append(s.paths, RoomPath(r)+"/messages")
	}
	return s
}

var errNoID = errors.New("the acknowledgement has no id")

// send sends a message that says when it was due, and returns when it is acknowledged.
func (s *sender) send(due time.Time) error {
	if s.size > 0 {
		s.text = AppendProse(s.text[:0], due, s.size)
	} else {
		s.text = appendMessage(s.text[:0], due)
	}
	s.sent++
	answer, err := s.Do("POST", s.paths[s.sent%len(s.paths)], "", s.text)
	if err != nil {
		return err
	}
	id := idOf(answer)
	if id == nil {
		return errNoID
	}
	s.acked.add(id)
	return nil
}

const (
	before = `{"text":"`
	after  = `"}`
	stamp  = "@t="
	filler = "the quick brown fox jumps over the lazy dog and writes a short note about it; "
)

// appendMessage appends the body of a request whose text is as long as all others'.
func appendMessage(b []byte, due time.Time) []byte {
	b = appendStamp(b, due)
	for end := len(before) + TextSize; len(b) < end; {
		b = append(b, filler[:min(len(filler), end-len(b))]...)
	}
	return append(b, after...)
}

func appendStamp(b []byte, due time.Time) []byte {
	b = append(b, before+stamp...)
	b = strconv.AppendInt(b, due.UnixNano(), 10)
	return append(b, ';')
}

// stamps calls each time at which a message was due that stands in the text.
func stamps(b []byte, each func(due time.Time)) {
	for {
		i := bytes.Index(b, []byte(stamp))
		if i < 0 {
			return
		}
		b = b[i+len(stamp):]
		end := bytes.IndexByte(b, ';')
		if end < 0 {
			return
		}
		if nanos, err := strconv.ParseInt(string(b[:end]), 10, 64); err == nil {
			each(time.Unix(0, nanos))
		}
	}
}

// idOf finds the id in an acknowledgement, where it stands first: a string of
// roomlog's, a number of its rivals'. Nil: there is none.
func idOf(answer []byte) []byte {
	_, rest, found := bytes.Cut(answer, []byte(`id":`))
	if !found {
		return nil
	}
	rest = bytes.TrimLeft(rest, ` "`)
	end := bytes.IndexAny(rest, `",} `)
	if end < 1 {
		return nil
	}
	return rest[:end]
}
