package tables

import (
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Statement is one with its arguments.
type Statement struct {
	SQL  string
	Args []any
}

// redactStatements: content goes from messages, then from the edits of those from which
// it went, and so do their mentions: $1 tenant, $2 room, $3 the event that does it, $4
// and $5 the first and last message, $6 their author or ”.
type redactStatements struct{ messages, edits, mentions, all, allMentions string }

func newRedactStatements(l Layout) redactStatements {
	const set = `UPDATE events AS e SET content = '{}', redacted = `
	return redactStatements{
		messages: set + `$3
WHERE ` + l.within("e", given, ">= $4", "<= $5") + ` AND e.type = 'message.posted' AND e.redacted = 0 AND ($6 = '' OR e.sender = $6)`,

		edits: set + `$3
WHERE ` + byEdit(l) + ` AND e.about >= $4 AND e.about <= $5
	AND EXISTS (SELECT 1 FROM events m WHERE ` + l.at("m", roomBy("e"), "e.about") + ` AND m.redacted = $3)`,

		mentions: `DELETE FROM mentions AS n WHERE n.tenant = $1 AND n.room = $2 AND n.seq >= $4 AND n.seq <= $5
	AND EXISTS (SELECT 1 FROM events m WHERE ` + l.at("m", roomOf("n").unseen(), "n.seq") + ` AND m.redacted = $3)`,

		all: set + `CASE WHEN e.redacted = 0 AND e.type IN ('message.posted', 'message.edited') THEN $3 ELSE e.redacted END
WHERE ` + l.within("e", given),

		allMentions: `DELETE FROM mentions AS n WHERE n.tenant = $1 AND n.room = $2`,
	}
}

// Redact gives the statements of a redaction, in order.
func (d *Dialect) Redact(r *readmodel.RedactionRow) []Statement {
	room := []any{string(r.Tenant), string(r.Room)}
	by := append(room[:2:2], int64(r.By))
	if r.All {
		return []Statement{{d.redact.all, by}, {d.redact.allMentions, room}}
	}
	run := append(by[:3:3], int64(r.From), int64(r.To))
	return []Statement{
		{d.redact.messages, append(run[:5:5], string(r.Author))},
		{d.redact.edits, run},
		{d.redact.mentions, run},
	}
}
