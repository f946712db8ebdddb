package tables

import "github.com/roomlog/roomlog/pkg/readmodel"

// Reader reads the tables in one transaction.
type Reader struct {
	q       Querier
	dialect *Dialect
	version int
	ahead   *Ahead // nil: nothing was read ahead
}

var _ readmodel.Reader = Reader{}

// NewReader returns the reader of a transaction on a version of the projection.
// It is as safe for concurrent use as the transaction.
func NewReader(q Querier, d *Dialect, version int) Reader {
	return Reader{q: q, dialect: d, version: version}
}

// With returns a reader that has what was read ahead in the transaction; nil: nothing.
func (r Reader) With(a *Ahead) Reader {
	r.ahead = a
	return r
}

// Projection is the version.
func (r Reader) Projection() int { return r.version }
