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
