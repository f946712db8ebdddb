package tables

// Wanted is a list n that statements join tables with: rows of text, column by
// column.
type Wanted struct {
	Names   []string
	Columns [][]string
}

// Lists says how a database takes a list: the "WITH n … " that stands before the
// statement, and its arguments.
type Lists func(*Wanted) (with string, args []any)

// Len is the number of rows.
func (w *Wanted) Len() int {
	if len(w.Columns) == 0 {
		return 0
	}
	return len(w.Columns[0])
}

func (w *Wanted) add(values ...string) {
	if w.Columns == nil {
		w.Columns = make([][]string, len(w.Names))
	}
	for i, v := range values {
		w.Columns[i] = append(w.Columns[i], v)
	}
}
