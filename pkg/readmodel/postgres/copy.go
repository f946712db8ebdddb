package postgres

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roomlog/roomlog/pkg/processors"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
)

// minCopy is from how many rows on a table is written by COPY. It spares both
// sides about a tenth of their work, and costs a round trip of its own.
const minCopy = 200

// breathEvery is after how many rows others may go first: some 0.1 ms.
const breathEvery = 64

// copying is a COPY that is to be run.
type copying struct {
	name, sql string
	data      bytes.Buffer // in COPY's text format
}

// copyInto is [insertInto] for a table whose rows cannot conflict and are not the
// business of a statement before theirs.
func copyInto[R any](in tables.Insert[R]) write[R] {
	names := make([]string, len(in.Columns))
	for i, c := range in.Columns {
		names[i] = c.Name
	}
	w := insertInto(in)
	w.copy = "COPY " + in.Table + " (" + strings.Join(names, ", ") + ") FROM STDIN"
	return w
}

// copyRows adds a COPY of rows. It comes before all statements of the pipeline.
func copyRows[R any](p *pipeline, w write[R], n int, row func(int) *R) {
	if p.err == nil {
		p.err = p.may(w.name)
	}
	if p.err != nil {
		return
	}
	c := &copying{name: w.name, sql: w.copy}
	for i := range n {
		if i%breathEvery == breathEvery-1 {
			processors.Breathe()
		}
		r := row(i)
		for j, column := range w.columns {
			if j > 0 {
				c.data.WriteByte('\t')
			}
			if column.Text != nil {
				c.text(column.Text(r))
			} else {
				c.data.Write(strconv.AppendInt(c.data.AvailableBuffer(), column.Int(r), 10))
			}
		}
		c.data.WriteByte('\n')
	}
	p.copies = append(p.copies, c)
}

// text writes a value as COPY's text format has it: what ends a value or a row, and
// the backslash itself, stand behind a backslash.
func (c *copying) text(s string) {
	for {
		i := strings.IndexAny(s, "\\\t\n\r")
		if i < 0 {
			c.data.WriteString(s)
			return
		}
		c.data.WriteString(s[:i])
		c.data.WriteByte('\\')
		switch s[i] {
		case '\\':
			c.data.WriteByte('\\')
		case '\t':
			c.data.WriteByte('t')
		case '\n':
			c.data.WriteByte('n')
		case '\r':
			c.data.WriteByte('r')
		}
		s = s[i+1:]
	}
}

func (c *copying) run(ctx context.Context, conn *pgxpool.Conn) error {
	if _, err := conn.Conn().PgConn().CopyFrom(ctx, &c.data, c.sql); err != nil {
		return fmt.Errorf("%s: %w", c.name, classify(err))
	}
	return nil
}
