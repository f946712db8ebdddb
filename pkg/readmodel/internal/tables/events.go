package tables

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Events writes events. Who reads one knows the room.
var Events = Insert[readmodel.EventRow]{
	Table: "events",
	Columns: []Column[readmodel.EventRow]{
		{Name: "tenant", Text: func(e *readmodel.EventRow) string { return string(e.Tenant) }, Own: true},
		{Name: "room", Text: func(e *readmodel.EventRow) string { return string(e.Room) }, Own: true},
		{Name: "seq", Int: func(e *readmodel.EventRow) int64 { return int64(e.Seq) }},
		{Name: "event_id", Text: func(e *readmodel.EventRow) string { return string(e.ID) }},
		{Name: "type", Text: func(e *readmodel.EventRow) string { return e.Type.Versioned(e.Version) }},
		{Name: "sender", Text: func(e *readmodel.EventRow) string { return string(e.Sender) }},
		{Name: "sent_at", Int: func(e *readmodel.EventRow) int64 { return e.SentAt }},
		{Name: "log_time", Int: func(e *readmodel.EventRow) int64 { return e.LogTime }},
		{Name: "partition", Int: func(e *readmodel.EventRow) int64 { return int64(e.Partition) }},
		{Name: "log_offset", Int: func(e *readmodel.EventRow) int64 { return int64(e.Offset) }},
		{Name: "digest", Text: func(e *readmodel.EventRow) string { return e.Digest }},
		{Name: "thread_root", Text: func(e *readmodel.EventRow) string { return string(e.ThreadRoot) }},
		{Name: "about", Int: func(e *readmodel.EventRow) int64 { return int64(e.About) }},
		{Name: "messages", Int: func(e *readmodel.EventRow) int64 { return e.Messages }},
		{Name: "last_message", Int: func(e *readmodel.EventRow) int64 { return int64(e.LastMessage) }, Own: true},
		{Name: "posted", Int: func(e *readmodel.EventRow) int64 { return e.Posted }, Own: true},
		{Name: "sent_until", Int: func(e *readmodel.EventRow) int64 { return e.SentUntil }, Own: true},
		{Name: "redacted", Int: func(e *readmodel.EventRow) int64 { return int64(e.Redacted) }},
		{Name: "content_key", Text: func(e *readmodel.EventRow) string { return e.ContentKey }},
		{Name: "facts", Text: func(e *readmodel.EventRow) string { return e.Facts }},
		{Name: "content", Text: func(e *readmodel.EventRow) string { return e.Content }},
	},
}

var eventColumns = Events.of("e")

// eventFields are pointers to plain types where they can be: to those the drivers
// assign without reflection. [versioned] has to follow.
func eventFields(e *readmodel.EventRow) []any {
	return []any{
		(*int64)(&e.Seq), (*string)(&e.ID), (*string)(&e.Type), (*string)(&e.Sender),
		&e.SentAt, &e.LogTime, &e.Partition, (*int64)(&e.Offset), &e.Digest, (*string)(&e.ThreadRoot),
		(*int64)(&e.About), &e.Messages, (*int64)(&e.Redacted), &e.ContentKey, &e.Facts, &e.Content,
	}
}

// scanEvents scans rows of eventColumns, of a room.
func scanEvents(k readmodel.Key) func(Row) (readmodel.EventRow, error) {
	return func(r Row) (readmodel.EventRow, error) {
		e := readmodel.EventRow{Key: k}
		err := r.Scan(eventFields(&e)...)
		versioned(&e)
		return e, err
	}
}

// versioned takes apart the type that was scanned; where an outer join found no
// event there is none.
func versioned(e *readmodel.EventRow) {
	if e.Type != "" {
		e.Type, e.Version = events.SplitType(string(e.Type))
	}
}

const ascending = ` ORDER BY e.seq LIMIT $4`

type eventStatements struct{ all, messages, byType, byID, edits, before string }

func newEventStatements(l Layout, p pageStatements) eventStatements {
	from := `SELECT ` + eventColumns + ` FROM events e WHERE `
	return eventStatements{
		all:      from + l.within("e", given, "> $3") + ` ORDER BY ` + l.order("e") + ` LIMIT $4`,
		messages: `SELECT ` + eventColumns + ` FROM page p CROSS JOIN events e WHERE ` + p.of + ` AND e.seq > $3` + ascending,
		byType:   from + l.indexed("e", "t", given) + ` AND e.type <> 'message.posted' AND e.seq > $3 AND e.type = `,
		byID:     from + l.byID("e", given, "$3"),
		edits:    from + byEdit(l) + ` AND e.about = $5 AND e.seq > $3` + ascending,
		before:   `SELECT e.seq FROM events e WHERE ` + l.within("e", given) + ` AND e.log_offset < $3 ORDER BY ` + l.order("e") + ` DESC LIMIT 1`,
	}
}

func byEdit(l Layout) string { return l.indexed("e", "e", given) + ` AND e.type = 'message.edited'` }

// Events lists accepted events. Of several types and versions it merges the
// beginnings of each one's list, so that it reads at most limit rows of each.
func (r Reader) Events(ctx context.Context, k readmodel.Key, after events.Seq, types []events.Type, limit int) ([]readmodel.EventRow, error) {
	after = max(0, after)
	args := []any{string(k.Tenant), string(k.Room), int64(after), limit}
	with := ""
	var arms []string
	for _, t := range slices.Compact(slices.Sorted(slices.Values(types))) {
		if t == events.TypeMessagePosted {
			with = r.dialect.pages.above
			arms = append(arms, r.dialect.events.messages)
			continue
		}
		for version := 1; version <= max(1, events.Newest(t)); version++ {
			args = append(args, t.Versioned(version))
			arms = append(arms, r.dialect.events.byType+fmt.Sprintf("$%d", len(args))+ascending)
		}
	}
	sql := r.dialect.events.all
	switch len(arms) {
	case 0:
	case 1:
		sql = arms[0]
	default:
		sql = `SELECT ` + eventColumns + ` FROM (SELECT * FROM (` + strings.Join(arms, `) a UNION ALL SELECT * FROM (`) + `) a) e` + ascending
	}
	return list(ctx, r.q, "events", scanEvents(k), limit, with+sql, args...)
}

// Event reads one event by its id.
func (r Reader) Event(ctx context.Context, k readmodel.Key, id events.EventID) (readmodel.EventRow, bool, error) {
	return one(ctx, r.q, "event", scanEvents(k), r.dialect.events.byID, string(k.Tenant), string(k.Room), string(id))
}

// Edits lists the edits of a message.
func (r Reader) Edits(ctx context.Context, k readmodel.Key, message, after events.Seq, limit int) ([]readmodel.EventRow, error) {
	return list(ctx, r.q, "edits", scanEvents(k), limit, r.dialect.events.edits,
		string(k.Tenant), string(k.Room), int64(after), limit, int64(message))
}
