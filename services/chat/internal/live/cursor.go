package live

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
)

// maxHeld is how many blocked rooms a cursor names. Beyond that it goes back to
// where the others are blocked, and what follows there in other rooms comes again.
const maxHeld = 16

// ErrInvalidCursor says that a string is no cursor over a person's rooms.
var ErrInvalidCursor = errors.New("invalid cursor")

// Cursor is a place in all of a person's rooms: the reader has everything of theirs
// below At. As a string it begins with the position token of that place, and where
// there is nothing else, that is all: a position token is a cursor.
type Cursor struct {
	At events.Vector
	// Held are the rooms of which the reader has less, because their events are
	// parked: everything below these offsets.
	Held map[events.RoomID]events.Offset
	// Sweep is how far a partition is being read that the reader has less of.
	Sweep *Sweep
}

// Sweep is the reading of a partition, one room after the other, up to an offset:
// rooms before Room are read to Next, Room to Offset, the others to where the cursor is.
type Sweep struct {
	Partition    events.Partition
	Next, Offset events.Offset
	Room         events.RoomID
}

// String writes the cursor.
func (c Cursor) String() string {
	named := slices.Sorted(maps.Keys(c.Held))
	if len(named) > maxHeld {
		panic("a cursor names too many rooms") // PersonTrack sees to it
	}
	token := c.At.Token()
	if len(named) == 0 && c.Sweep == nil {
		return token
	}
	b := binary.AppendUvarint(nil, uint64(len(named)))
	for _, r := range named {
		b = binary.AppendUvarint(appendString(b, string(r)), uint64(c.Held[r]))
	}
	if s := c.Sweep; s != nil {
		b = binary.AppendUvarint(b, uint64(s.Partition))
		b = binary.AppendUvarint(b, uint64(s.Next))
		b = binary.AppendUvarint(b, uint64(s.Offset))
		b = appendString(b, string(s.Room))
	}
	return token + "." + base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor reads what String wrote, and position tokens. Its errors are
// [ErrInvalidCursor].
func ParseCursor(s string) (c Cursor, err error) {
	token, rest, extended := strings.Cut(s, ".")
	if c.At, err = events.ParseToken(token); err != nil {
		return c, errors.Join(ErrInvalidCursor, err)
	}
	if !extended {
		return c, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if err != nil {
		return c, errors.Join(ErrInvalidCursor, err)
	}
	r := reader{b: b}
	c.Held = map[events.RoomID]events.Offset{}
	for range r.number(maxHeld) {
		room := r.room()
		c.Held[room] = r.offset()
	}
	if len(r.b) > 0 {
		c.Sweep = &Sweep{Partition: events.Partition(r.number(events.MaxPartitions - 1)), Next: r.offset(), Offset: r.offset(), Room: r.room()}
	}
	if r.bad || len(r.b) > 0 || c.String() != s {
		return Cursor{}, ErrInvalidCursor
	}
	return c, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// reader reads until something is missing or too large.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) number(limit uint64) uint64 {
	u, n := binary.Uvarint(r.b)
	if r.bad || n <= 0 || u > limit {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return u
}

func (r *reader) offset() events.Offset { return events.Offset(r.number(uint64(events.MaxOffset))) }

func (r *reader) room() events.RoomID {
	n := int(r.number(events.MaxIDLength + 1))
	if r.bad || n > len(r.b) {
		r.bad = true
		return ""
	}
	id, err := events.ParseRoomID(string(r.b[:n]))
	r.b = r.b[n:]
	r.bad = r.bad || err != nil
	return id
}
