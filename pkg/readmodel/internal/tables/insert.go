package tables

import "strings"

// MaxReason is the most of a reason that is kept, in bytes.
const MaxReason = 2 << 10

// Column is a column of a table and how a row gives its value: as text or as a
// number, one of the two.
type Column[R any] struct {
	Name string
	Text func(*R) string
	Int  func(*R) int64
}

// Insert says how rows of a table are written.
type Insert[R any] struct {
	Table   string
	Columns []Column[R]
	// Conflict says what happens to a row whose key is there; empty: an error.
	Conflict string
}

// Into gives "INSERT INTO table (columns)".
func (in Insert[R]) Into() string {
	names := make([]string, len(in.Columns))
	for i, c := range in.Columns {
		names[i] = c.Name
	}
	return "INSERT INTO " + in.Table + " (" + strings.Join(names, ", ") + ")"
}

// clean makes words of any origin fit for every store: what a broken record
// says of itself must not keep its row from being written.
func clean(s string) string {
	if len(s) > MaxReason {
		s = s[:MaxReason]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}
