package tables

import "github.com/roomlog/roomlog/pkg/readmodel"

// Reader reads the tables in one transaction.
type Reader struct {
	q       Querier
	lists   Lists
	version int
}

var _ readmodel.Reader = Reader{}

// NewReader returns the reader of a transaction on a version of the projection.
// It is as safe for concurrent use as the transaction.
func NewReader(q Querier, lists Lists, version int) Reader { return Reader{q, lists, version} }

// Projection is the version.
func (r Reader) Projection() int { return r.version }
