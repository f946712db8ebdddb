package tables

import (
	"context"
	"fmt"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

type stateDump struct {
	Edits     int                  `json:"edits"`
	Edit      events.Seq           `json:"edit"`
	Replies   int64                `json:"replies"`
	LastReply events.Seq           `json:"last_reply"`
	Pinned    events.Seq           `json:"pinned"`
	Reactions []room.ReactionCount `json:"reactions"`
}

func (r Reader) dumpStates(ctx context.Context, row func(readmodel.DumpRow) error) error {
	return each(ctx, r.q, "dump of message states", `SELECT s.tenant, s.room, s.seq, `+stateColumns+` FROM message_states s
ORDER BY s.tenant, s.room, s.seq`, nil, func(r Row) error {
		var k readmodel.Key
		var seq events.Seq
		var s room.MessageState
		var reactions string
		if err := r.Scan(append([]any{&k.Tenant, &k.Room, &seq}, stateFields(&s, &reactions)...)...); err != nil {
			return err
		}
		if err := scanReactions(reactions, &s); err != nil {
			return err
		}
		return emit(row, "message_states", fmt.Sprintf("%s %s %019d", k.Tenant, k.Room, seq), stateDump(s))
	})
}

// A row that is all key has an empty value.
type nothing struct{}

func (r Reader) dumpMentions(ctx context.Context, row func(readmodel.DumpRow) error) error {
	return each(ctx, r.q, "dump of mentions", `SELECT n.tenant, n.room, n.seq, n.user_id FROM mentions n
ORDER BY n.tenant, n.room, n.seq, n.user_id`, nil, func(r Row) error {
		var m Mention
		if err := r.Scan(&m.Tenant, &m.Room, &m.Seq, &m.User); err != nil {
			return err
		}
		return emit(row, "mentions", fmt.Sprintf("%s %s %019d %s", m.Tenant, m.Room, m.Seq, m.User), nothing{})
	})
}

// dumpReactions has the reaction's own key last: it is any text.
func (r Reader) dumpReactions(ctx context.Context, row func(readmodel.DumpRow) error) error {
	return each(ctx, r.q, "dump of reactions", `SELECT x.tenant, x.room, x.user_id, x.seq, x.key FROM reactions x
ORDER BY x.tenant, x.room, x.user_id, x.seq, x.key`, nil, func(r Row) error {
		var x readmodel.ReactionRow
		if err := r.Scan(&x.Tenant, &x.Room, &x.User, &x.Seq, &x.ReactionID.Key); err != nil {
			return err
		}
		return emit(row, "reactions", fmt.Sprintf("%s %s %s %019d %s", x.Tenant, x.Room, x.User, x.Seq, x.ReactionID.Key), nothing{})
	})
}

type threadMarkDump struct {
	Read events.Seq `json:"read_seq"`
}

func (r Reader) dumpThreadMarks(ctx context.Context, row func(readmodel.DumpRow) error) error {
	return each(ctx, r.q, "dump of thread marks", `SELECT t.tenant, t.room, t.user_id, t.root, t.read_seq FROM thread_marks t
ORDER BY t.tenant, t.room, t.user_id, t.root`, nil, func(r Row) error {
		var m readmodel.ThreadMarkRow
		if err := r.Scan(&m.Tenant, &m.Room, &m.User, &m.Root, &m.Read); err != nil {
			return err
		}
		return emit(row, "thread_marks", fmt.Sprintf("%s %s %s %019d", m.Tenant, m.Room, m.User, m.Root), threadMarkDump{m.Read})
	})
}

type stayDump struct {
	Invited events.Seq `json:"invited"`
	To      events.Seq `json:"to_seq"`
}

func (r Reader) dumpStays(ctx context.Context, row func(readmodel.DumpRow) error) error {
	return each(ctx, r.q, "dump of stays", `SELECT s.tenant, s.room, s.user_id, s.from_seq, s.invited, s.to_seq FROM stays s
ORDER BY s.tenant, s.room, s.user_id, s.from_seq`, nil, func(r Row) error {
		var s readmodel.StayRow
		if err := r.Scan(&s.Tenant, &s.Room, &s.User, &s.From, &s.Invited, &s.To); err != nil {
			return err
		}
		return emit(row, "stays", fmt.Sprintf("%s %s %s %019d", s.Tenant, s.Room, s.User, s.From), stayDump{s.Invited, s.To})
	})
}

type historyDump struct {
	History events.History `json:"history"`
}

func (r Reader) dumpHistories(ctx context.Context, row func(readmodel.DumpRow) error) error {
	return each(ctx, r.q, "dump of settings of history", `SELECT h.tenant, h.room, h.from_seq, h.history FROM histories h
ORDER BY h.tenant, h.room, h.from_seq`, nil, func(r Row) error {
		var h readmodel.HistoryRow
		if err := r.Scan(&h.Tenant, &h.Room, &h.From, &h.History); err != nil {
			return err
		}
		return emit(row, "histories", fmt.Sprintf("%s %s %019d", h.Tenant, h.Room, h.From), historyDump{h.History})
	})
}
