package tables

import (
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Statement is one with its arguments.
type Statement struct {
	SQL  string
	Args []any
}

// Content goes from messages, then from the edits of those from which it went,
// and so do their mentions: $1 tenant, $2 room, $3 the event that does it, $4 and
// $5 the first and last message, $6 their author or ”.
var (
	redactMessages = `UPDATE events AS e SET content = '{}', redacted = $3
WHERE e.tenant = $1 AND e.room = $2 AND e.type = 'message.posted' AND e.seq >= $4 AND e.seq <= $5 AND e.redacted = 0 AND ($6 = '' OR e.sender = $6)`

	redactEdits = `UPDATE events AS e SET content = '{}', redacted = $3
WHERE ` + byEdit + ` AND e.about >= $4 AND e.about <= $5
	AND EXISTS (SELECT 1 FROM events m WHERE m.tenant = e.tenant AND m.room = e.room AND m.seq = e.about AND m.redacted = $3)`

	redactMentions = `DELETE FROM mentions AS n WHERE n.tenant = $1 AND n.room = $2 AND n.seq >= $4 AND n.seq <= $5
	AND EXISTS (SELECT 1 FROM events m WHERE ` + inRoomOf("m", "n") + ` AND m.seq = n.seq AND m.redacted = $3)`

	eraseEvents = `UPDATE events AS e SET content = '{}',
	redacted = CASE WHEN e.redacted = 0 AND e.type IN ('message.posted', 'message.edited') THEN $3 ELSE e.redacted END
WHERE e.tenant = $1 AND e.room = $2`

	eraseMentions = `DELETE FROM mentions AS n WHERE n.tenant = $1 AND n.room = $2`
)

// Redact gives the statements of a redaction, in order.
func Redact(r *readmodel.RedactionRow) []Statement {
	room := []any{string(r.Tenant), string(r.Room)}
	by := append(room[:2:2], int64(r.By))
	if r.All {
		return []Statement{{eraseEvents, by}, {eraseMentions, room}}
	}
	run := append(by[:3:3], int64(r.From), int64(r.To))
	return []Statement{
		{redactMessages, append(run[:5:5], string(r.Author))},
		{redactEdits, run},
		{redactMentions, run},
	}
}
