// Package checker tells whether what can be read is what clients were told.
//
// A [History] records what concurrent clients sent and what they were answered;
// a [State] is what was read afterwards; [Check] compares them. It knows nothing
// of how the answers came about: no program, log or database, so the same check
// holds for one process that was killed and for a cluster that lost a broker.
//
// Order is told by a counter and not by a clock: a command that was sent after
// another one was acknowledged must come after it, and nothing is said of two
// that overlap.
package checker
