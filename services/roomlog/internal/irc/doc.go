// Package irc reads chat logs as IRC clients write them:
//
//	[12:18] <nick> text          a message
//	[12:18]  * nick text         an action ("/me text")
//	[12:18] -nick:#room- text    a notice
//	=== nick has joined #room    a notice without a time: that of the line before
//
// It is pure: bytes in, lines out, the same for the same bytes. A line that it
// does not understand is skipped with a reason, never guessed at.
//
// # Times
//
// A log has hours and minutes only. The day is the file name's date, in UTC, for
// every line of the file: logs run over midnight in either direction (the named
// day may begin in their middle), and some write twelve-hour times, so that a
// clock that jumps back tells nothing certain. Order is that of the lines.
package irc
