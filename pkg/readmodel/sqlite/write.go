package sqlite

import (
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

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

// writeBatch writes the tables in the order in which they refer to each other,
// not that anything enforces it.
func (t *tx) writeBatch(b *readmodel.Batch) error {
	for _, write := range []func() error{
		func() error { return t.unpark(b.Unparked) },
		func() error {
			return writeRows(t, insertRooms, len(b.Headers), func(i int) *room.Header { return b.Headers[i] })
		},
		func() error { return writeRows(t, insertMembers, len(b.Members), at(b.Members)) },
		func() error { return writeRows(t, insertEvents, len(b.Events), at(b.Events)) },
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

// insert writes rows of a table, one at a time: a prepared statement a row is as
// fast here as many rows a statement.
type insert[R any] struct {
	tables.Insert[R]
	sql string
}

func insertInto[R any](in tables.Insert[R]) insert[R] {
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(in.Columns)), ", ")
	return insert[R]{in, in.Into() + " VALUES (" + marks + ") " + in.Conflict}
}

func writeRows[R any](t *tx, in insert[R], n int, row func(int) *R) error {
	args := make([]any, len(in.Columns))
	for i := range n {
		r := row(i)
		for j, c := range in.Columns {
			if c.Text != nil {
				args[j] = c.Text(r)
			} else {
				args[j] = c.Int(r)
			}
		}
		if _, err := t.exec("write "+in.Table, in.sql, args...); err != nil {
			return err
		}
	}
	return nil
}

// classify marks the errors that the same row would meet again.
func classify(err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG:
			return fmt.Errorf("%w: %w", readmodel.ErrRowRefused, err)
		}
	}
	return err
}
