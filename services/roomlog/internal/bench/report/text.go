package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Text writes tables for a terminal, ratios first.
func (s *Summary) Text(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	write := func(title string, t table) {
		if t == nil {
			return
		}
		_, _ = fmt.Fprintf(w, "%s\n", title)
		for _, row := range t {
			_, _ = fmt.Fprintf(w, "  %s\n", strings.Join(row, "\t"))
		}
		_, _ = fmt.Fprintln(w)
	}
	write("What roomlog wants to be", goalsTable(s))
	for _, m := range measures {
		write(m.title, measureTable(s, m.id))
	}
	write("Sends of 8 clients, with so much on each of the database's statements", slowTable(s))
	for _, g := range growingAll {
		write(g.title, curveTable(s, g))
	}
	write("What is there in the end", keptTable(s))
	_, _ = fmt.Fprint(w, s.circumstances())
	return w.Flush() // with the first error of all
}
