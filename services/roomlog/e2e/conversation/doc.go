// Package conversation replays old IRC days through the HTTP API, each line by who
// said it, with the replies of the annotation files as threads, faster than they
// were, while others follow: the rooms and all that is theirs, some of them cut off
// again and again. In the end each has everything in order, and all counts are those
// that an independent reader makes of the files alone.
//
// Environment:
//
//	IRC_DIR             directory with the logs; the excerpts in internal/irc/testdata
//	CONVERSATION_SPEED  how many times as fast; 2000 (make test), 100 (make soak)
//
// All days are replayed at the same time, each in a room of its own: what takes longest
// is the longest log, of 36 hours in the set that IRC_DIR is meant for: 22 minutes.
package conversation
