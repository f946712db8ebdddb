package tables

import (
	"context"
	"strconv"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// shown are the columns of an event that a message shows, in a room that is known.
var shown = Events.only("seq", "event_id", "type", "sender", "sent_at", "redacted", "facts", "content")

func shownFields(e *readmodel.EventRow) []any {
	return []any{
		(*int64)(&e.Seq), (*string)(&e.ID), (*string)(&e.Type), (*string)(&e.Sender), &e.SentAt, (*int64)(&e.Redacted), &e.Facts, &e.Content,
	}
}

// messageStatements read messages: a message is an event e with its state s. Few are
// edited, so edits are read afterwards, those of a page in one statement.
type messageStatements struct{ below, above, byID, edits, pins, threads, thread, threadBefore, threadUnread string }

func newMessageStatements(l Layout, p pageStatements) messageStatements {
	columns, withState := shown.of("e")+", "+stateColumns, l.withState(given)
	from := `SELECT ` + columns + ` FROM events e ` + withState + ` WHERE `
	ofPage := `SELECT ` + columns + ` FROM page p CROSS JOIN events e ` + withState + ` WHERE ` + p.of
	// The other way round: the message of a state.
	byState, ofState := `SELECT `+columns+` FROM message_states s CROSS JOIN events e WHERE `, l.at("e", roomRef{"s.tenant", "s.room", given.numbered()}, "s.seq")
	thread := from + l.indexed("e", "h", given) + ` AND e.thread_root <> '' AND e.thread_root = $5`
	return messageStatements{
		below: p.below + ofPage + ` AND e.seq < $3` + ascending,
		above: p.above + ofPage + ` AND e.seq > $3` + ascending,
		byID:  from + l.byID("e", given, "$3"),
		edits: `SELECT n.tenant, n.room, ` + eventColumns + ` FROM n CROSS JOIN events e WHERE ` + l.at("e", roomOf("n"), "CAST(n.seq AS BIGINT)"),

		pins:    byState + byPin + ` AND s.pinned < $3 AND ` + ofState + ` AND e.redacted = 0 ORDER BY s.pinned DESC LIMIT $4`,
		threads: byState + byReply + ` AND s.last_reply < $3 AND ` + ofState + ` ORDER BY s.last_reply DESC LIMIT $4`,

		thread:       thread + ` AND e.seq > $3` + ascending,
		threadBefore: thread + ` AND e.seq < $3 ORDER BY e.seq DESC LIMIT $4`,
		threadUnread: threadUnread(l),
	}
}

// messageScan collects a message's columns.
type messageScan struct {
	readmodel.MessageRow
	reactions string
}

func (s *messageScan) fields() []any {
	return append(shownFields(&s.EventRow), stateFields(&s.State, &s.reactions)...)
}

func (s *messageScan) row() (readmodel.MessageRow, error) {
	versioned(&s.EventRow)
	err := scanReactions(s.reactions, &s.State)
	return s.MessageRow, err
}

// scanMessages scans rows of what a message shows, of a room.
func scanMessages(k readmodel.Key) func(Row) (readmodel.MessageRow, error) {
	var s messageScan
	fields := s.fields()
	return func(r Row) (readmodel.MessageRow, error) {
		s.MessageRow = readmodel.MessageRow{EventRow: readmodel.EventRow{Key: k}}
		if err := r.Scan(fields...); err != nil {
			return s.MessageRow, err
		}
		return s.row()
	}
}

// messages lists messages of a room with their edits; $1 and $2 are the room's.
func (r Reader) messages(ctx context.Context, what string, k readmodel.Key, limit int, sql string, args ...any) ([]readmodel.MessageRow, error) {
	rows, err := list(ctx, r.q, what, scanMessages(k), limit, sql, append([]any{string(k.Tenant), string(k.Room)}, args...)...)
	if err != nil {
		return nil, err
	}
	return rows, r.edited(ctx, len(rows), func(i int) *readmodel.MessageRow { return &rows[i] })
}

// edited fills in the last edits of n messages.
func (r Reader) edited(ctx context.Context, n int, message func(int) *readmodel.MessageRow) error {
	wanted := Wanted{Names: []string{"tenant", "room", "seq"}}
	for i := range n {
		if m := message(i); m.State.Edit > 0 {
			wanted.add(string(m.Tenant), string(m.Room), strconv.FormatInt(int64(m.State.Edit), 10))
		}
	}
	if wanted.Len() == 0 {
		return nil
	}
	type edit struct {
		readmodel.Key
		message events.Seq
	}
	edits := make(map[edit]*readmodel.EventRow, wanted.Len())
	with, args := r.dialect.lists(&wanted)
	err := each(ctx, r.q, "edits", with+r.dialect.messages.edits, args, func(r Row) error {
		var e readmodel.EventRow
		err := r.Scan(append([]any{&e.Tenant, &e.Room}, eventFields(&e)...)...)
		versioned(&e)
		edits[edit{e.Key, e.About}] = &e
		return err
	})
	if err != nil {
		return err
	}
	for i := range n {
		if m := message(i); m.State.Edit > 0 {
			m.Edited = edits[edit{m.Key, m.Seq}]
		}
	}
	return nil
}

// MessagesBefore lists the last messages below a seq.
func (r Reader) MessagesBefore(ctx context.Context, k readmodel.Key, before events.Seq, limit int) ([]readmodel.MessageRow, error) {
	if limit <= 0 {
		return []readmodel.MessageRow{}, nil
	}
	page, ok := r.ahead.messagesBefore(k, before, limit)
	if !ok {
		page = &near{}
		if err := all(ctx, r.q, page.below(r.dialect, k, before, limit)...); err != nil {
			return nil, err
		}
	}
	rows, err := r.near(ctx, page)
	low, rest := nearBelow(before, limit), limit-len(rows)
	if err != nil || rest == 0 || low <= 1 {
		return rows, err
	}
	far, err := r.messages(ctx, "messages", k, rest, r.dialect.messages.below, int64(low), rest)
	return append(far, rows...), err
}

// MessagesAfter lists the first messages above a seq.
func (r Reader) MessagesAfter(ctx context.Context, k readmodel.Key, after events.Seq, limit int) ([]readmodel.MessageRow, error) {
	if limit <= 0 {
		return []readmodel.MessageRow{}, nil
	}
	after = max(0, after)
	var page near
	if err := all(ctx, r.q, page.above(r.dialect, k, after, limit)...); err != nil {
		return nil, err
	}
	rows, err := r.near(ctx, &page)
	rest := limit - len(rows)
	if err != nil || rest == 0 {
		return rows, err
	}
	far, err := r.messages(ctx, "messages", k, rest, r.dialect.messages.above, int64(nearAbove(after, limit)), rest)
	return append(rows, far...), err
}

// near gives the messages of a page that was read, with their edits.
func (r Reader) near(ctx context.Context, page *near) ([]readmodel.MessageRow, error) {
	rows := page.messages()
	return rows, r.edited(ctx, len(rows), func(i int) *readmodel.MessageRow { return &rows[i] })
}

// Message reads one message by its id.
func (r Reader) Message(ctx context.Context, k readmodel.Key, id events.EventID) (readmodel.MessageRow, bool, error) {
	m, ok, err := one(ctx, r.q, "message", scanMessages(k), r.dialect.messages.byID, string(k.Tenant), string(k.Room), string(id))
	if err != nil || m.Type != events.TypeMessagePosted {
		return readmodel.MessageRow{}, false, err
	}
	err = r.edited(ctx, 1, func(int) *readmodel.MessageRow { return &m })
	return m, ok, err
}

// MessageAt finds the first message, in the order of the room, that was sent at the
// time or later.
func (r Reader) MessageAt(ctx context.Context, k readmodel.Key, sentAt int64) (events.Seq, bool, error) {
	scan := func(r Row) (seq events.Seq, err error) { return seq, r.Scan(&seq) }
	return one(ctx, r.q, "message at a time", scan, r.dialect.pages.firstSent, string(k.Tenant), string(k.Room), sentAt)
}

// Pins lists the pinned messages by when they were pinned, the latest first.
func (r Reader) Pins(ctx context.Context, k readmodel.Key, before events.Seq, limit int) ([]readmodel.MessageRow, error) {
	return r.messages(ctx, "pins", k, limit, r.dialect.messages.pins, int64(before), limit)
}
