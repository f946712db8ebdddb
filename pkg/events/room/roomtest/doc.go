// Package roomtest builds histories of rooms for tests: records as the log holds
// them, with the log's time, and what the fold says of each.
//
// [NewRoom] writes one room by hand, event by event; [Histories] draws random
// histories of several rooms (races lost, keys reused, repetitions, expired
// commands, clocks that go back, and on request records that park or are no
// events); [Fold] is the oracle: the fold with the complete state in memory, one
// record after another. Whatever batches, stores or restarts, a projector has to
// come to the same verdicts and the same state.
//
// Everything is deterministic: the same calls give the same bytes. For tests
// only.
package roomtest
