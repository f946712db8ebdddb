// Package room is the fold: the one pure function that judges a room's events
// in log order and gives each room its seqs.
//
// [Apply] takes a [View] of the room (a bounded header and the rows that
// [NeedsOf] names) and an event, and answers what changes and with which
// [Verdict]. It has no clock, randomness, I/O or map order: whoever folds the
// same log again, in five years too, gets the same answer. Rules are pinned by
// the room ([Header.Rules]); a rule never changes under its version.
package room
