package tables

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Outcomes writes outcomes.
var Outcomes = Insert[readmodel.OutcomeRow]{
	Table: "outcomes",
	Columns: []Column[readmodel.OutcomeRow]{
		{Name: "tenant", Text: func(o *readmodel.OutcomeRow) string { return string(o.Tenant) }},
		{Name: "room", Text: func(o *readmodel.OutcomeRow) string { return string(o.Room) }},
		{Name: "event_id", Text: func(o *readmodel.OutcomeRow) string { return string(o.ID) }},
		{Name: "partition", Int: func(o *readmodel.OutcomeRow) int64 { return int64(o.Partition) }},
		{Name: "log_offset", Int: func(o *readmodel.OutcomeRow) int64 { return int64(o.Offset) }},
		{Name: "type", Text: func(o *readmodel.OutcomeRow) string { return string(o.Type) }},
		{Name: "sender", Text: func(o *readmodel.OutcomeRow) string { return string(o.Sender) }},
		{Name: "status", Text: func(o *readmodel.OutcomeRow) string { return string(o.Status) }},
		{Name: "code", Text: func(o *readmodel.OutcomeRow) string { return string(o.Code) }},
		{Name: "digest", Text: func(o *readmodel.OutcomeRow) string { return o.Digest }},
		{Name: "binds", Int: func(o *readmodel.OutcomeRow) int64 { return flag(o.Binds) }},
		{Name: "log_time", Int: func(o *readmodel.OutcomeRow) int64 { return o.LogTime }},
	},
	// An operator who accepts a gap may have records folded again.
	Conflict: `ON CONFLICT (tenant, room, event_id, partition, log_offset) DO NOTHING`,
}

type outcomeStatements struct{ kept, at string }

// newOutcomeStatements look at every outcome of $1 tenant, $2 room, $3 event id: the
// accepted event itself, and those with rows of their own.
func newOutcomeStatements(l Layout) outcomeStatements {
	from := `SELECT v.type, v.sender, v.status, v.code, v.seq, v.digest, v.partition, v.log_offset FROM (` +
		`SELECT e.type, e.sender, 'accepted' AS status, '' AS code, e.seq, e.digest, e.partition, e.log_offset, 1 AS binds
FROM events e WHERE ` + l.byID("e", given, "$3") + `
UNION ALL
SELECT o.type, o.sender, o.status, o.code, 0, o.digest, o.partition, o.log_offset, o.binds
FROM outcomes o WHERE o.tenant = $1 AND o.room = $2 AND o.event_id = $3) v`
	return outcomeStatements{
		kept: from + ` ORDER BY v.binds DESC, v.partition DESC, v.log_offset DESC LIMIT 1`,
		at:   from + ` WHERE v.partition = $4 AND v.log_offset = $5`,
	}
}

func scanOutcome(r Row) (readmodel.Outcome, error) {
	var o readmodel.Outcome
	var typ string
	err := r.Scan(&typ, &o.Sender, &o.Status, &o.Code, &o.Seq, &o.Digest, &o.Partition, &o.Offset)
	o.Type, _ = events.SplitType(typ)
	return o, err
}

// Outcome is what an event id keeps, or the latest verdict where none binds.
func (r Reader) Outcome(ctx context.Context, k readmodel.Key, id events.EventID) (readmodel.Outcome, bool, error) {
	return one(ctx, r.q, "outcome", scanOutcome, r.dialect.outcomes.kept, string(k.Tenant), string(k.Room), string(id))
}

// OutcomeAt is the verdict of one record.
func (r Reader) OutcomeAt(ctx context.Context, k readmodel.Key, id events.EventID, p events.Partition, o events.Offset) (readmodel.Outcome, bool, error) {
	return one(ctx, r.q, "outcome", scanOutcome, r.dialect.outcomes.at,
		string(k.Tenant), string(k.Room), string(id), int64(p), int64(o))
}
