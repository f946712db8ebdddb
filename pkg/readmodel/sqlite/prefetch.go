package sqlite

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

var dialect = tables.NewDialect(lists, tables.ByPlace)

// few rows are how many are bound: each number of them is a statement of its own.
const few = 4

// lists takes a list as JSON: one argument, however many rows. Rows that follow each
// other and differ in the last column alone, as the ids of a room do, are one array, whose
// last value has what they have there: of an array in an array, SQLite reads the text
// again for each of its values.
//
// Few rows, as a message alone or two ask for, are bound as they are: nothing is read as
// JSON, and nothing is made a table of.
func lists(w *tables.Wanted) (with string, args []any) {
	if w.Len() <= few {
		return values(w)
	}
	last := len(w.Names) - 1
	of, given := "", ""
	for i, name := range w.Names[:last] {
		of += fmt.Sprintf("value->>%d AS %s, ", i, name)
		given += "g." + name + ", "
	}
	var groups [][]any
	for from, to := 0, 0; from < w.Len(); from = to {
		for to = from + 1; to < w.Len() && alike(w.Columns[:last], from, to); to++ {
		}
		var group []any
		for _, column := range w.Columns[:last] {
			group = append(group, column[from])
		}
		groups = append(groups, append(group, w.Columns[last][from:to]))
	}
	list, err := json.Marshal(groups)
	if err != nil {
		panic(err) // strings
	}
	return fmt.Sprintf("WITH g AS MATERIALIZED (SELECT %svalue->%d AS rest FROM json_each($1)), "+
		"n(%s) AS MATERIALIZED (SELECT %sjson_each.value FROM g CROSS JOIN json_each(g.rest)) ",
		of, last, strings.Join(w.Names, ", "), given), []any{string(list)}
}

// values binds the rows as they are.
func values(w *tables.Wanted) (with string, args []any) {
	rows := make([]string, w.Len())
	for i := range rows {
		row := make([]string, len(w.Columns))
		for j, column := range w.Columns {
			args = append(args, column[i])
			row[j] = fmt.Sprintf("$%d", len(args))
		}
		rows[i] = "(" + strings.Join(row, ", ") + ")"
	}
	return "WITH n(" + strings.Join(w.Names, ", ") + ") AS NOT MATERIALIZED (VALUES " + strings.Join(rows, ", ") + ") ", args
}

func alike(columns [][]string, a, b int) bool {
	return !slices.ContainsFunc(columns, func(column []string) bool { return column[a] != column[b] })
}

func (t *tx) prefetch(needs readmodel.Needs) (readmodel.Rows, error) {
	p := tables.NewPrefetch(needs)
	for _, w := range p.Wants(dialect) {
		if err := t.read(w.Name, w.SQL, w.Args, w.Row); err != nil {
			return readmodel.Rows{}, err
		}
	}
	return p.Rows(), nil
}
