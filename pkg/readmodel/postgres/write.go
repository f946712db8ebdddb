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
	insertEvents      = insertInto(tables.Events)
	insertOutcomes    = insertInto(tables.Outcomes)
	insertBadRecords  = insertInto(tables.BadRecords)
	insertDeadLetters = insertInto(tables.DeadLetters)
)

func (p *pipeline) writeBatch(b *readmodel.Batch) {
	p.unpark(b.Unparked)
	writeRows(p, insertRooms, len(b.Headers), func(i int) *room.Header { return b.Headers[i] })
	writeRows(p, insertMembers, len(b.Members), at(b.Members))
	writeRows(p, insertEvents, len(b.Events), at(b.Events))
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

// insert writes rows of a table in one statement, from an array a column.
type insert[R any] struct {
	tables.Insert[R]
	sql string
}

func insertInto[R any](in tables.Insert[R]) insert[R] {
	arrays := make([]string, len(in.Columns))
	for i, c := range in.Columns {
		kind := "bigint"
		if c.Text != nil {
			kind = "text"
		}
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+1, kind)
	}
	return insert[R]{in, in.Into() + " SELECT * FROM unnest(" + strings.Join(arrays, ", ") + ") " + in.Conflict}
}

func writeRows[R any](p *pipeline, in insert[R], n int, row func(int) *R) {
	if n == 0 {
		return
	}
	args := make([]any, len(in.Columns))
	for i, c := range in.Columns {
		if c.Text != nil {
			args[i] = column(n, row, c.Text)
		} else {
			args[i] = column(n, row, c.Int)
		}
	}
	p.exec("write "+in.Table, in.sql, args, nil)
}

func column[R, V any](n int, row func(int) *R, value func(*R) V) []V {
	values := make([]V, n)
	for i := range values {
		values[i] = value(row(i))
	}
	return values
}
