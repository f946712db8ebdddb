// Package streams measures what streams cost a server that runs as a process of
// its own: memory of its heap and stacks for each idle stream, the time until the
// last follower of a room has a message, and what a follower does to it that has
// stopped reading. The followers are in the process of the test.
//
//	make bench-streams
//
// The test is the same on a small scale: everybody gets everything in order, and
// memory is bounded. The benchmarks print figures; nothing fails by time.
//
// Environment, of the benchmarks:
//
//	STREAMS_IDLE       idle streams; 10000
//	STREAMS_FOLLOWERS  followers of one room; 5000
//	STREAMS_MESSAGES   messages to them; 50
//	STREAMS_PROFILE    directory for a profile of the heap with the idle streams open
package streams
