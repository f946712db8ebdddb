package sqlite

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/processors"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

var (
	insertMembers     = updateOrInsert(tables.Members, "tenant", "room", "user_id", "membership", "archived", "hidden")
	insertStates      = insertInto(tables.States)
	insertReactions   = insertInto(tables.Reactions)
	deleteReactions   = deleteFrom(tables.Unreactions)
	insertThreadMarks = insertInto(tables.ThreadMarks)
	insertStays       = insertInto(tables.Stays)
	insertHistories   = insertInto(tables.Histories)
	insertRevocations = insertInto(tables.Revocations)
	insertMentions    = insertInto(tables.Mentions)
	deleteMentions    = deleteFrom(tables.Unmentions)
	insertOutcomes    = insertInto(tables.Outcomes)
	insertBadRecords  = insertInto(tables.BadRecords)
	insertDeadLetters = insertInto(tables.DeadLetters)
)

// writeBatch writes the tables in the order in which they refer to each other,
// not that anything enforces it.
func (t *tx) writeBatch(b *readmodel.Batch) error {
	removed, added := tables.Reacted(b.Reactions)
	mentions := tables.Mentioned(b.Mentions)
	for _, write := range []func() error{
		func() error { return t.unpark(b.Unparked) },
		func() error {
			return writeRows(t, insertRooms, len(b.Headers), func(i int) *room.Header { return b.Headers[i] })
		},
		func() error { return writeRows(t, insertMembers, len(b.Members), inOrder(b.Members)) },
		func() error { return writeRows(t, insertStates, len(b.States), at(b.States)) },
		func() error { return writeRows(t, deleteReactions, len(removed), at(removed)) },
		func() error { return writeRows(t, insertReactions, len(added), at(added)) },
		func() error { return writeRows(t, insertThreadMarks, len(b.ThreadMarks), at(b.ThreadMarks)) },
		func() error { return writeRows(t, insertStays, len(b.Stays), at(b.Stays)) },
		func() error { return writeRows(t, insertHistories, len(b.Histories), at(b.Histories)) },
		func() error { return writeRows(t, insertRevocations, len(b.Revocations), at(b.Revocations)) },
		func() error { return t.writeEvents(b.Events) },
		func() error { return writeRows(t, deleteMentions, len(b.Mentions), at(b.Mentions)) },
		func() error { return writeRows(t, insertMentions, len(mentions), at(mentions)) },
		func() error { return t.redact(b.Redactions) },
		func() error { return writeRows(t, insertOutcomes, len(b.Outcomes), at(b.Outcomes)) },
		func() error { return writeRows(t, insertBadRecords, len(b.BadRecords), at(b.BadRecords)) },
		func() error { return writeRows(t, insertDeadLetters, len(b.DeadLetters), at(b.DeadLetters)) },
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) unpark(parked []readmodel.Parked) error {
	for _, p := range parked {
		if _, err := t.exec("unpark", tables.Unpark, string(p.Tenant), string(p.Room), int64(p.Partition), int64(p.Offset)); err != nil {
			return err
		}
	}
	return nil
}

func at[R any](rows []R) func(int) *R { return func(i int) *R { return &rows[i] } }

// inOrder gives members in the order of their keys, as events are written, which there
// are as many of.
func inOrder(rows []readmodel.MemberRow) func(int) *readmodel.MemberRow {
	order := make([]*readmodel.MemberRow, len(rows))
	for i := range rows {
		order[i] = &rows[i]
	}
	slices.SortFunc(order, func(a, b *readmodel.MemberRow) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Room, b.Room), cmp.Compare(a.User, b.User))
	})
	return func(i int) *readmodel.MemberRow { return order[i] }
}

func (t *tx) redact(redactions []readmodel.RedactionRow) error {
	for i := range redactions {
		for _, st := range dialect.Redact(&redactions[i]) {
			if _, err := t.exec("redact", st.SQL, st.Args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// write is a statement that takes a row: prepared once, one a row is as fast here
// as many rows a statement.
type write[R any] struct {
	name    string
	columns []tables.Column[R]
	sql     string
	// update is tried before; only where it finds no row, sql runs. Empty: there is none.
	update string
}

func insertInto[R any](in tables.Insert[R]) write[R] {
	return write[R]{name: "write " + in.Table, columns: in.Columns, sql: in.Into() + " VALUES (" + marks(len(in.Columns)) + ") " + in.Conflict}
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// updateOrInsert is for rows that are mostly there and have what they had in the key and
// in the columns that an index has. SQLite writes the entry of an index anew
// wherever a statement names one of its columns, the same value too.
func updateOrInsert[R any](in tables.Insert[R], key ...string) write[R] {
	w := insertInto(in)
	var set, where []string
	for i, c := range in.Columns {
		assign := fmt.Sprintf("%s = $%d", c.Name, i+1)
		if slices.Contains(key, c.Name) {
			where = append(where, assign)
		} else {
			set = append(set, assign)
		}
	}
	w.update = "UPDATE " + in.Table + " SET " + strings.Join(set, ", ") + " WHERE " + strings.Join(where, " AND ")
	return w
}

func deleteFrom[R any](d tables.Delete[R]) write[R] {
	same := make([]string, len(d.Columns))
	for i, c := range d.Columns {
		same[i] = c.Name + " = ?"
	}
	return write[R]{name: "delete " + d.Table, columns: d.Columns, sql: "DELETE FROM " + d.Table + " WHERE " + strings.Join(same, " AND ")}
}

// breathEvery is after how many rows others may go first: some 0.1 ms.
const breathEvery = 16

func writeRows[R any](t *tx, w write[R], n int, row func(int) *R) error {
	update, insert := binding[R]{write: &w, sql: w.update}, binding[R]{write: &w, sql: w.sql}
	for i := range n {
		if i%breathEvery == breathEvery-1 {
			processors.Breathe()
		}
		touched := int64(0)
		var err error
		if w.update != "" {
			touched, err = update.run(t, row(i))
		}
		if err == nil && touched == 0 {
			_, err = insert.run(t, row(i))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// binding is a statement of a write while its rows are written. A text that is the
// one of the row before is bound already: binding copies it.
type binding[R any] struct {
	*write[R]
	sql   string
	st    *statement
	texts []string // of the row before, by parameter
}

// run gives the number of rows that were touched.
func (b *binding[R]) run(t *tx, r *R) (int64, error) {
	if err := t.may(b.name); err != nil {
		return 0, err
	}
	n, err := b.next(t, r)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", b.name, classify(err))
	}
	t.rows += n
	return n, nil
}

func (b *binding[R]) next(t *tx, r *R) (n int64, err error) {
	first := b.st == nil
	if first {
		if b.st, err = t.statement(b.sql); err != nil {
			return 0, err
		}
		b.texts = make([]string, len(b.st.args))
	}
	for i, arg := range b.st.args {
		c := b.columns[arg]
		if c.Text == nil {
			b.st.BindInt64(i+1, c.Int(r))
		} else if text := c.Text(r); first || text != b.texts[i] {
			b.st.BindText(i+1, text)
			b.texts[i] = text
		}
	}
	return t.run(t.detached, b.st)
}

// classify marks the errors that the same row would meet again.
func classify(err error) error {
	switch sqlite.ErrCode(err).ToPrimary() { //nolint:exhaustive // the others are not about the row
	case sqlite.ResultConstraint, sqlite.ResultMismatch, sqlite.ResultTooBig:
		return fmt.Errorf("%w: %w", readmodel.ErrRowRefused, err)
	}
	return err
}
