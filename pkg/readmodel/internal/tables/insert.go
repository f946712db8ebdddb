package tables

import (
	"fmt"
	"slices"
	"strings"
)

// MaxReason is the most of a reason that is kept, in bytes.
const MaxReason = 2 << 10

// Column is a column of a table and how a row gives its value: as text or as a
// number, one of the two.
type Column[R any] struct {
	Name string
	Text func(*R) string
	Int  func(*R) int64
	// Own columns are the store's own: readers do not get them.
	Own bool
}

// Insert says how rows of a table are written.
type Insert[R any] struct {
	Table   string
	Columns []Column[R]
	// Conflict says what happens to a row whose key is there; empty: an error.
	Conflict string
}

// Into gives "INSERT INTO table (columns)", with more of them where only this database
// has them.
func (in Insert[R]) Into(more ...string) string {
	return "INSERT INTO " + in.Table + " (" + strings.Join(append([]string{columns(in.Columns, func(c Column[R]) string { return c.Name })}, more...), ", ") + ")"
}

// of gives the columns for a SELECT from the table as alias.
func (in Insert[R]) of(alias string) string {
	return columns(in.read(), func(c Column[R]) string { return alias + "." + c.Name })
}

// only gives some of the columns, in the order of the table.
func (in Insert[R]) only(names ...string) Insert[R] {
	in.Columns = slices.DeleteFunc(slices.Clone(in.Columns), func(c Column[R]) bool { return !slices.Contains(names, c.Name) })
	return in
}

// outer gives them for an outer join: zero values where there is no row.
func (in Insert[R]) outer(alias string) string {
	return columns(in.read(), func(c Column[R]) string {
		zero := "0"
		if c.Text != nil {
			zero = "''"
		}
		return fmt.Sprintf("COALESCE(%s.%s, %s)", alias, c.Name, zero)
	})
}

func (in Insert[R]) read() []Column[R] {
	return slices.DeleteFunc(slices.Clone(in.Columns), func(c Column[R]) bool { return c.Own })
}

func columns[R any](list []Column[R], text func(Column[R]) string) string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = text(c)
	}
	return strings.Join(out, ", ")
}

// Delete says which rows of a table are deleted: those that have the values of
// these columns.
type Delete[R any] struct {
	Table   string
	Columns []Column[R]
}

// flag writes what is so or not as a number.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// clean makes words of any origin fit for every store: what a broken record
// says of itself must not keep its row from being written.
func clean(s string) string {
	if len(s) > MaxReason {
		s = s[:MaxReason]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}
