package tables

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// nearPages is how many pages of events are looked at for one of messages: mostly
// most of a room's events are messages. What is missing then is found wherever it is.
const nearPages = 2

// near is a page of messages from among the events around. Few have a state, or none,
// so the states are read beside the messages and not with each: as many, and from the
// same events.
type near struct {
	rows   []readmodel.MessageRow
	states []stateRow
}

type stateRow struct {
	seq events.Seq
	room.MessageState
}

type nearStatements struct{ below, above, latest nearStatement }

// nearStatement is for events, one after the other, whatever they are, and for states, $3
// of either.
type nearStatement struct{ events, states string }

func newNearStatements(l Layout) nearStatements {
	return nearStatements{
		below:  newNearStatement(l, ` DESC`, `< $4`, `>= $5`),
		above:  newNearStatement(l, ``, `> $4`, `<= $5`),
		latest: newNearStatement(l, ` DESC`, `<= `+head, `> `+head+` - CAST($4 AS BIGINT)`),
	}
}

// head is the seq of the room's last event. A range that has one end only PostgreSQL
// takes for a long one, and plans it anew each time.
const head = `(SELECT r.seq FROM rooms r WHERE r.tenant = $1 AND r.room = $2)`

func newNearStatement(l Layout, order string, bounds ...string) nearStatement {
	order += ` LIMIT $3`
	return nearStatement{
		events: `SELECT ` + shown.of("e") + ` FROM events e WHERE ` + l.within("e", given, bounds...) + ` AND e.type = 'message.posted' ORDER BY ` + l.order("e") + order,
		states: `SELECT s.seq, ` + stateColumns + ` FROM message_states s WHERE s.tenant = $1 AND s.room = $2 AND s.seq ` + strings.Join(bounds, ` AND s.seq `) +
			` ORDER BY s.seq` + order,
	}
}

// below reads the last messages below a seq, above the first above one, latest the
// last of all.
func (n *near) below(d *Dialect, k readmodel.Key, seq events.Seq, limit int) []Query {
	return n.queries(d.near.below, k, limit, int64(seq), int64(nearBelow(seq, limit)))
}

func (n *near) above(d *Dialect, k readmodel.Key, seq events.Seq, limit int) []Query {
	return n.queries(d.near.above, k, limit, int64(seq), int64(nearAbove(seq, limit)))
}

func (n *near) latest(d *Dialect, k readmodel.Key, limit int) []Query {
	return n.queries(d.near.latest, k, limit, int64(nearPages*limit))
}

func (n *near) queries(st nearStatement, k readmodel.Key, limit int, args ...any) []Query {
	args = append([]any{string(k.Tenant), string(k.Room), limit}, args...)
	n.rows = make([]readmodel.MessageRow, 0, min(max(limit, 0), 256))
	var e readmodel.EventRow
	fields := shownFields(&e)
	return []Query{
		{"messages", st.events, args, func(r Row) error {
			e = readmodel.EventRow{Key: k}
			err := r.Scan(fields...)
			versioned(&e)
			n.rows = append(n.rows, readmodel.MessageRow{EventRow: e})
			return err
		}},
		{"message states", st.states, args, func(r Row) error {
			s, err := scanState(r)
			n.states = append(n.states, s)
			return err
		}},
	}
}

// nearBelow is how far down a page below a seq is looked for, nearAbove how far up.
func nearBelow(seq events.Seq, limit int) events.Seq {
	return max(0, seq-events.Seq(nearPages*limit))
}

func nearAbove(seq events.Seq, limit int) events.Seq {
	return seq + min(events.Seq(nearPages*limit), math.MaxInt64-seq)
}

// messages gives them, ascending.
func (n *near) messages() []readmodel.MessageRow {
	rows := n.rows
	if len(rows) > 1 && rows[0].Seq > rows[1].Seq {
		slices.Reverse(rows)
	}
	for _, s := range n.states {
		i, ok := slices.BinarySearchFunc(rows, s.seq, func(m readmodel.MessageRow, seq events.Seq) int { return cmp.Compare(m.Seq, seq) })
		if ok {
			rows[i].State = s.MessageState
		}
	}
	return rows
}
