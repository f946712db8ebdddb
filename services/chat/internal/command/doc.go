// Package command turns requests into events: it publishes them and, where the
// client asks, waits for the fold's verdict.
//
// The fold decides; the look at the read model before publishing is a courtesy:
// the fold itself, run on what the read model shows. It refuses only on a state
// that is at least as new as the log's end at arrival, and costs nothing where the
// database is away.
package command
