package postgres

import (
	"fmt"
	"strings"

	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

var (
	insertRooms       = insertInto(tables.Rooms)
	insertMembers     = insertInto(tables.Members)
	insertStates      = insertInto(tables.States)
	insertReactions   = insertInto(tables.Reactions)
	deleteReactions   = deleteFrom(tables.Unreactions)
	insertThreadMarks = insertInto(tables.ThreadMarks)
	insertStays       = insertInto(tables.Stays)
	insertHistories   = insertInto(tables.Histories)
	insertRevocations = insertInto(tables.Revocations)
	insertEvents      = copyInto(tables.Events)
	insertMentions    = insertInto(tables.Mentions)
	deleteMentions    = deleteFrom(tables.Unmentions)
	insertOutcomes    = insertInto(tables.Outcomes)
	insertBadRecords  = insertInto(tables.BadRecords)
	insertDeadLetters = insertInto(tables.DeadLetters)
)

func (s *Store) writeBatch(p *pipeline, b *readmodel.Batch) {
	p.unpark(b.Unparked)
	writeRows(p, insertRooms, len(b.Headers), func(i int) *room.Header { return b.Headers[i] })
	writeRows(p, insertMembers, len(b.Members), at(b.Members))
	writeRows(p, insertStates, len(b.States), at(b.States))
	removed, added := tables.Reacted(b.Reactions)
	writeRows(p, deleteReactions, len(removed), at(removed))
	writeRows(p, insertReactions, len(added), at(added))
	writeRows(p, insertThreadMarks, len(b.ThreadMarks), at(b.ThreadMarks))
	writeRows(p, insertStays, len(b.Stays), at(b.Stays))
	writeRows(p, insertHistories, len(b.Histories), at(b.Histories))
	writeRows(p, insertRevocations, len(b.Revocations), at(b.Revocations))
	writeRows(p, insertEvents, len(b.Events), at(b.Events))
	writeRows(p, deleteMentions, len(b.Mentions), at(b.Mentions))
	mentions := tables.Mentioned(b.Mentions)
	writeRows(p, insertMentions, len(mentions), at(mentions))
	s.redact(p, b.Redactions)
	writeRows(p, insertOutcomes, len(b.Outcomes), at(b.Outcomes))
	writeRows(p, insertBadRecords, len(b.BadRecords), at(b.BadRecords))
	writeRows(p, insertDeadLetters, len(b.DeadLetters), at(b.DeadLetters))
}

// unpark deletes by a statement a record: a pipeline costs one round trip however
// many there are.
func (p *pipeline) unpark(parked []readmodel.Parked) {
	for _, r := range parked {
		p.exec("unpark", tables.Unpark, []any{string(r.Tenant), string(r.Room), int64(r.Partition), int64(r.Offset)}, nil)
	}
}

func at[R any](rows []R) func(int) *R { return func(i int) *R { return &rows[i] } }

// redact runs the statements of each redaction: there are few. One may take
// longer than a batch should, and would when it is tried again. By now the server
// has all of the batch, so that it does not wait for a program that is frozen.
func (s *Store) redact(p *pipeline, redactions []readmodel.RedactionRow) {
	if len(redactions) > 0 && s.unlimited != "" {
		p.exec("redact", s.unlimited, nil, nil)
	}
	for i := range redactions {
		for _, st := range dialect.Redact(&redactions[i]) {
			p.exec("redact", st.SQL, st.Args, nil)
		}
	}
}

// write is a statement that takes many rows, as an array a column.
type write[R any] struct {
	name    string
	columns []tables.Column[R]
	sql     string
	// copy, where there is one, takes the rows in the place of sql if they are many;
	// before all else of the batch.
	copy string
}

func insertInto[R any](in tables.Insert[R]) write[R] {
	return write[R]{name: "write " + in.Table, columns: in.Columns, sql: in.Into() + " SELECT * FROM " + arrays(in.Columns) + " " + in.Conflict}
}

func deleteFrom[R any](d tables.Delete[R]) write[R] {
	names, same := make([]string, len(d.Columns)), make([]string, len(d.Columns))
	for i, c := range d.Columns {
		names[i], same[i] = c.Name, "x."+c.Name+" = n."+c.Name
	}
	return write[R]{
		name: "delete " + d.Table, columns: d.Columns,
		sql: "DELETE FROM " + d.Table + " x USING " + arrays(d.Columns) + " n(" + strings.Join(names, ", ") + ") WHERE " + strings.Join(same, " AND "),
	}
}

func arrays[R any](columns []tables.Column[R]) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		kind := "bigint"
		if c.Text != nil {
			kind = "text"
		}
		out[i] = fmt.Sprintf("$%d::%s[]", i+1, kind)
	}
	return "unnest(" + strings.Join(out, ", ") + ")"
}

func writeRows[R any](p *pipeline, w write[R], n int, row func(int) *R) {
	if n == 0 {
		return
	}
	if n >= minCopy && w.copy != "" {
		copyRows(p, w, n, row)
		return
	}
	args := make([]any, len(w.columns))
	for i, c := range w.columns {
		if c.Text != nil {
			args[i] = column(n, row, c.Text)
		} else {
			args[i] = column(n, row, c.Int)
		}
	}
	p.exec(w.name, w.sql, args, nil)
}

func column[R, V any](n int, row func(int) *R, value func(*R) V) []V {
	values := make([]V, n)
	for i := range values {
		values[i] = value(row(i))
	}
	return values
}
