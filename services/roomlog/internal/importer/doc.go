// Package importer brings chat logs into a room, straight into the log.
//
// What a line becomes depends on the line, its file's name and its number alone:
// event ids are derived from them. So the log itself is the importer's memory.
// It reads which events of the room are there and appends the missing ones, in
// order: a second import appends nothing, one that was killed goes on where it
// stood, and two at the same time leave one copy of each event in the room.
package importer
