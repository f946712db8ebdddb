package tables

import (
	"fmt"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// ByPlace is the layout of SQLite: rooms have numbers, and an event's place, which is its
// row id, is made of its room's and its seq. So an event is found by comparing one integer,
// and the inner pages of the table's tree have nothing else. The columns number and seq are
// computed of the place: conditions on them are for the indexes, which begin with number,
// conditions on place for the table.
var ByPlace Layout = placeLayout{}

type placeLayout struct{}

// MaxSeq is the most that a room's seq may be, so that its place is not in another room.
const MaxSeq events.Seq = 1<<32 - 1

// Place is that of an event of a room with a number. Where a room has no place for the
// seq, the error is [readmodel.ErrRowRefused].
func Place(number int64, seq events.Seq) (int64, error) {
	if seq < 1 || seq > MaxSeq {
		return 0, fmt.Errorf("%w: seq %d, and a room has place for 1 to %d", readmodel.ErrRowRefused, seq, MaxSeq)
	}
	return number<<32 | int64(seq), nil
}

// at has the seq twice: with one that is past what a room may have, the place would be in
// another room.
func (placeLayout) at(e string, of roomRef, seq string) string {
	return e + `.place = ` + of.begin() + ` + ` + seq + ` AND ` + e + `.seq = ` + seq
}

// within is bounded on both sides, and by the room's ends.
func (placeLayout) within(e string, of roomRef, bounds ...string) string {
	const beyond = "4294967296" // MaxSeq + 1
	var above, below bool
	out := make([]string, 0, 2)
	for _, b := range bounds {
		compare, seq, _ := strings.Cut(b, " ")
		above, below = above || compare[0] == '>', below || compare[0] == '<'
		out = append(out, e+`.place `+compare+` `+of.begin()+` + max(0, min(`+seq+`, `+beyond+`))`)
	}
	if !above {
		out = append(out, e+`.place > `+of.begin())
	}
	if !below {
		out = append(out, e+`.place < `+of.begin()+` + `+beyond)
	}
	return strings.Join(out, ` AND `)
}

func (placeLayout) order(e string) string { return e + `.place` }

func (placeLayout) indexed(e, _ string, of roomRef) string { return e + `.number = ` + of.numbered() }

// How an event is found by its id: the index of ids is sparse. An id is in order where it is
// above all before in its room, those of keys aside, as the API makes them. The first one
// in order of a stretch of seqs has an entry in an index, and the others stand beside it.
const (
	// EntryNone is for an id in order that is found from the one that begins its stretch.
	EntryNone = iota
	// EntryStretch is for the first id in order of a stretch.
	EntryStretch
	// EntryOwn is for an id that is not in order.
	EntryOwn
)

// StretchBits says how long a stretch is: places are of one that are the same without them.
const StretchBits = 4

// inStretch is the condition that y is in the stretch that b begins, to 1<<StretchBits - 1.
const inStretch = `y.place BETWEEN b.place AND b.place | 15`

// RoomEnd is what whoever writes events has to know of the room $1, $2: its number, and the
// last id in order with its place; an empty one and 0 where there is none.
var RoomEnd = `SELECT r.number, COALESCE(e.event_id, ''), COALESCE(e.place, 0) FROM rooms r LEFT JOIN events e ON e.place =
(SELECT max(y.place) FROM ` + lastStretch("r.number", "") + ` CROSS JOIN events y WHERE ` + inStretch + ` AND y.entry < 2)
WHERE r.tenant = $1 AND r.room = $2`

// InOrder finds the event of the room $1, $2 whose id, which is in order, is $3.
var InOrder = inOrder(given.numbered(), "$3")

// inOrder is [InOrder] of a room by its number. Ids of keys are not: see [events.EventID.Keyed].
func inOrder(number, id string) string {
	begun := ` AND m.event_id <= ` + id + ` AND substr(` + id + `, 15, 1) <> '8'`
	return `SELECT y.place FROM ` + lastStretch(number, begun) + ` CROSS JOIN events y WHERE ` + inStretch + ` AND y.event_id = ` + id + ` AND y.entry < 2`
}

// lastStretch is a list b of one place: the one that begins the last stretch of a room whose
// first id m.event_id meets the condition.
func lastStretch(number, and string) string {
	return `(SELECT m.place FROM events m WHERE m.number = ` + number + ` AND m.entry = 1` + and + ` ORDER BY m.event_id DESC LIMIT 1) b`
}

func (placeLayout) byID(e string, of roomRef, id string) string {
	return e + `.place = (SELECT COALESCE((SELECT x.place FROM events x WHERE x.number = q.number AND x.entry = 2 AND x.event_id = ` + id + `),
(` + inOrder("q.number", id) + `)) FROM rooms q WHERE ` + of.is("q") + `)`
}

// found looks: what an event's entry is decides whether it is found, and those beside it.
func (l placeLayout) found() string {
	return `COALESCE(` + l.byID("e", roomBy("r"), "e.event_id") + `, FALSE)`
}

func (placeLayout) highestID(of roomRef) string {
	return `COALESCE((SELECT max(COALESCE((SELECT x.event_id FROM events x WHERE x.number = q.number AND x.entry = 2 ORDER BY x.event_id DESC LIMIT 1), ''),
COALESCE((SELECT max(y.event_id) FROM ` + lastStretch("q.number", "") + ` CROSS JOIN events y WHERE ` + inStretch + `), '')) FROM rooms q WHERE ` + of.is("q") + `), '')`
}

func (placeLayout) withState(of roomRef) string {
	return `LEFT JOIN message_states s ON ` + of.is("s") + ` AND s.seq = e.seq`
}

func (l placeLayout) all(columns string) string {
	return `SELECT r.tenant, r.room, ` + columns + ` FROM rooms r CROSS JOIN events e WHERE ` + l.within("e", roomBy("r")) + ` ORDER BY r.tenant, r.room, e.place`
}

// numbered is the room's number, begin the place before all of its events.
func (of roomRef) numbered() string {
	if of.number != "" {
		return of.number
	}
	return `(SELECT q.number FROM rooms q WHERE ` + of.is("q") + `)`
}

func (of roomRef) begin() string { return `(` + of.numbered() + ` << 32)` }
