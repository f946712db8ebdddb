// Package tables is what the stores of the read model have in common: for each
// table, in a file of its own, the columns that are written and the statements
// that read it, each beside the method that runs it. Every statement is standard
// enough for PostgreSQL and SQLite both, so that reads are written, and tested,
// once: but for how a room's events are reached, which a [Layout] says.
//
// The stores bring the connection ([Querier]), the transactions, and the way
// many rows are written at once ([Insert] names the columns).
package tables
