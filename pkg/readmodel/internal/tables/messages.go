package tables

import (
	"context"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// A message is an event e with its state s and its last edit d.
const (
	withState = `LEFT JOIN message_states s ON s.tenant = e.tenant AND s.room = e.room AND s.seq = e.seq`
	withEdit  = `LEFT JOIN events d ON d.tenant = s.tenant AND d.room = s.room AND d.seq = s.edit`
	became    = withState + " " + withEdit
	// ofState is the other way round: the message of a state.
	ofState = `e.tenant = s.tenant AND e.room = s.room AND e.seq = s.seq`
)

var (
	messageColumns      = eventColumns + ", " + stateColumns + ", " + Events.outer("d")
	outerMessageColumns = Events.outer("e") + ", " + stateColumns + ", " + Events.outer("d")

	selectMessages = `SELECT ` + messageColumns + ` FROM events e ` + became + ` WHERE `
	selectByState  = `SELECT ` + messageColumns + ` FROM message_states s CROSS JOIN events e ` + withEdit + ` WHERE `
)

// messageScan collects a message's columns.
type messageScan struct {
	readmodel.MessageRow
	reactions string
}

func (s *messageScan) fields() []any {
	to := append(eventFields(&s.EventRow), stateFields(&s.State, &s.reactions)...)
	return append(to, eventFields(&s.Edited)...)
}

func (s *messageScan) row() (readmodel.MessageRow, error) {
	err := scanReactions(s.reactions, &s.State)
	return s.MessageRow, err
}

func scanMessage(r Row) (readmodel.MessageRow, error) {
	var s messageScan
	if err := r.Scan(s.fields()...); err != nil {
		return s.MessageRow, err
	}
	return s.row()
}

// MessagesBefore lists the last messages below a seq.
func (r Reader) MessagesBefore(ctx context.Context, k readmodel.Key, before events.Seq, limit int) ([]readmodel.MessageRow, error) {
	rows, err := list(ctx, r.q, "messages", scanMessage, limit,
		selectMessages+byType+` AND e.type = 'message.posted' AND e.seq < $3 ORDER BY e.seq DESC LIMIT $4`,
		string(k.Tenant), string(k.Room), int64(before), limit)
	slices.Reverse(rows)
	return rows, err
}

// MessagesAfter lists the first messages above a seq.
func (r Reader) MessagesAfter(ctx context.Context, k readmodel.Key, after events.Seq, limit int) ([]readmodel.MessageRow, error) {
	return list(ctx, r.q, "messages", scanMessage, limit,
		selectMessages+byType+` AND e.type = 'message.posted' AND e.seq > $3`+ascending,
		string(k.Tenant), string(k.Room), int64(after), limit)
}

// Message reads one message by its id.
func (r Reader) Message(ctx context.Context, k readmodel.Key, id events.EventID) (readmodel.MessageRow, bool, error) {
	m, ok, err := one(ctx, r.q, "message", scanMessage, selectMessages+byID+` AND e.event_id = $3`,
		string(k.Tenant), string(k.Room), string(id))
	if m.Type != events.TypeMessagePosted {
		return readmodel.MessageRow{}, false, err
	}
	return m, ok, err
}

// MessageAt finds the message with the lowest time that is sentAt or later, of
// several the one with the lowest seq.
func (r Reader) MessageAt(ctx context.Context, k readmodel.Key, sentAt int64) (events.Seq, bool, error) {
	scan := func(r Row) (seq events.Seq, err error) { return seq, r.Scan(&seq) }
	return one(ctx, r.q, "message at a time", scan,
		`SELECT e.seq FROM events e WHERE `+byTime+` AND e.type = 'message.posted' AND e.sent_at >= $3 ORDER BY e.sent_at, e.seq LIMIT 1`,
		string(k.Tenant), string(k.Room), sentAt)
}

// Pins lists the pinned messages by when they were pinned, the latest first.
func (r Reader) Pins(ctx context.Context, k readmodel.Key, before events.Seq, limit int) ([]readmodel.MessageRow, error) {
	return list(ctx, r.q, "pins", scanMessage, limit,
		selectByState+byPin+` AND s.pinned < $3 AND `+ofState+` AND e.redacted = 0 ORDER BY s.pinned DESC LIMIT $4`,
		string(k.Tenant), string(k.Room), int64(before), limit)
}
