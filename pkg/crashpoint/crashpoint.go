// Package crashpoint names the steps of a projector at which a test lets the
// program die, as kill -9 would let it.
//
// Only a program that is built with the tag crashpoints has them: there the
// environment variable [Variable] says at which one it dies. In any other
// build the functions are empty and cost nothing, and the variable is not read.
package crashpoint

// Variable names the point, and which passing of it is the last one:
// "tables.commit:37". Without a number it is the first.
const Variable = "ROOMLOG_CRASH_AT"

// Point is a step. Those of the databases are what the stores ask their Fault
// before, behind a word and a dot: "tables.fence", "tables.commit",
// "tables.committed", "control.switch".
type Point string

// The steps that are not the databases'.
const (
	// Fetched: records have been read from the log.
	Fetched Point = "fetched"
	// Folded: a batch is judged, none of it is written.
	Folded Point = "folded"
	// Published: the timeline has been told of a commit with events.
	Published Point = "published"
	// Revoking: partitions are taken away, their handlers have been told and may
	// be in the middle of a batch.
	Revoking Point = "revoking"
	// Revoked: the handlers have ended, the group does not know yet.
	Revoked Point = "revoked"
)

// OfBatch are the points that each batch of records passes, in their order.
func OfBatch() []Point {
	return []Point{
		Fetched, "tables.begin", "tables.fence", Folded, "tables.write rooms", "tables.write events",
		"tables.commit", "tables.committed", Published,
	}
}

// OfCutOver are the points of a cut-over to another version, in their order.
func OfCutOver() []Point {
	return []Point{
		"control.freeze live", "control.freeze target", "control.compare", "control.switch", "control.commit", "control.committed",
	}
}
