package importer

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/irc"
)

// Report is what an import did.
type Report struct {
	Files, Lines int
	// Imported counts the events that were appended, by kind; Replies those of
	// them that answer another message.
	Imported map[Kind]int
	Replies  int
	// There counts the events that were in the log already; Changed those of them
	// that were made of another line than the file now has there.
	There, Changed int
	// Skipped counts the lines that were not imported.
	Skipped map[irc.Reason]int
	// Replaced counts bytes of all lines, imported or there.
	Replaced irc.Replaced
	// Took is how long appending took, without the scan.
	Took time.Duration
}

func newReport() Report {
	return Report{Imported: map[Kind]int{}, Skipped: map[irc.Reason]int{}}
}

// Events is how many events were appended.
func (r Report) Events() int {
	n := 0
	for _, count := range r.Imported {
		n += count
	}
	return n
}

// Text is the report for people.
func (r Report) Text(room Room) string {
	var out strings.Builder
	rate := float64(r.Events()) / max(r.Took.Seconds(), 0.001)
	fmt.Fprintf(&out, "read %d lines of %d files into room %s of tenant %s\n", r.Lines, r.Files, room.ID, room.Tenant)
	fmt.Fprintf(&out, "imported %d events in %.1f s (%.0f/s): %d messages, %d actions, %d notices, %d joins, %d rooms; %d of them replies\n",
		r.Events(), r.Took.Seconds(), rate,
		r.Imported[Message], r.Imported[Action], r.Imported[Notice], r.Imported[Joined], r.Imported[RoomCreated], r.Replies)
	fmt.Fprintf(&out, "already there: %d events\n", r.There)
	if r.Changed > 0 {
		fmt.Fprintf(&out, "already there with other words: %d lines; events do not change, so they are as they were first imported\n", r.Changed)
	}
	skipped := 0
	for _, count := range r.Skipped {
		skipped += count
	}
	fmt.Fprintf(&out, "skipped: %d lines\n", skipped)
	for _, reason := range slices.SortedFunc(maps.Keys(r.Skipped), func(a, b irc.Reason) int {
		return cmp.Or(r.Skipped[b]-r.Skipped[a], cmp.Compare(a, b))
	}) {
		fmt.Fprintf(&out, "  %d: %s\n", r.Skipped[reason], reason)
	}
	fmt.Fprintf(&out, "replaced by U+FFFD: %d bytes that are not UTF-8, %d U+0000\n", r.Replaced.Invalid, r.Replaced.Null)
	return out.String()
}
