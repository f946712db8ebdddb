// Package rebuild rebuilds the tables of a long log while clients write and
// read, kills the rebuild with -9 at random moments, resumes it each time, and
// compares the new tables with the live ones row for row. And it changes single
// columns of a system at work, which projector verify has to find, and has a room
// poisoned that must not hold up the others.
//
// Environment:
//
//	REBUILD_EVENTS  events in the log before it begins; 20,000 (make test), 5,000,000 (make soak)
//	REBUILD_KILLS   how often it is killed; 2, 10
//	REBUILD_RATE    messages a second that clients write meanwhile; 100, 1,000
//	REBUILD_SEED    repeats the choices of an earlier run, which prints it
//	VERIFY_EVENTS   events among which a changed column is looked for; 4,000, 1,000,000
package rebuild
