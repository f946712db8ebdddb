package tables

import "github.com/roomlog/roomlog/pkg/readmodel"

// Reader reads the tables in one transaction.
type Reader struct{ q Querier }

var _ readmodel.Reader = Reader{}

// NewReader returns the reader of a transaction. It is as safe for concurrent
// use as the transaction.
func NewReader(q Querier) Reader { return Reader{q} }
