package sqlite

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// lists takes a list as JSON: one argument, however many rows.
func lists(w *tables.Wanted) (with string, args []any) {
	values := make([]string, len(w.Names))
	for i := range values {
		values[i] = fmt.Sprintf("value->>%d", i)
	}
	rows := make([][]string, w.Len())
	for i := range rows {
		rows[i] = make([]string, len(w.Columns))
		for j, column := range w.Columns {
			rows[i][j] = column[i]
		}
	}
	list, err := json.Marshal(rows)
	if err != nil {
		panic(err) // strings
	}
	return "WITH n(" + strings.Join(w.Names, ", ") + ") AS MATERIALIZED (SELECT " + strings.Join(values, ", ") + " FROM json_each($1)) ",
		[]any{string(list)}
}

func (t *tx) prefetch(needs readmodel.Needs) (readmodel.Rows, error) {
	p := tables.NewPrefetch(needs)
	for _, w := range p.Wants(lists) {
		if err := t.read(w.Name, w.SQL, w.Args, w.Row); err != nil {
			return readmodel.Rows{}, err
		}
	}
	return p.Rows(), nil
}
