package irc

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// File is a parsed log.
type File struct {
	// Name is the file's base name.
	Name string
	// Day is the file name's date, at midnight UTC.
	Day time.Time
	// Lines are in the file's order.
	Lines []Line
	// Skipped has the numbers of the lines that are not in Lines, by reason.
	Skipped map[Reason][]int
}

// Total is the number of lines of the file.
func (f File) Total() int {
	n := len(f.Lines)
	for _, numbers := range f.Skipped {
		n += len(numbers)
	}
	return n
}

var dateInName = regexp.MustCompile(`(?:^|[^0-9])(\d{4}-\d{2}-\d{2})(?:[^0-9]|$)`)

// Day reads the date in a file's name: the first YYYY-MM-DD in it.
func Day(path string) (time.Time, error) {
	name := filepath.Base(path)
	m := dateInName.FindStringSubmatch(name)
	if m == nil {
		return time.Time{}, fmt.Errorf("%s: the name has no date (YYYY-MM-DD)", name)
	}
	day, err := time.Parse(time.DateOnly, m[1])
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: %s is no date", name, m[1])
	}
	return day, nil
}

// Parse reads a log. Only the name of path is used. The error says that the name
// has no date.
func Parse(path string, data []byte) (File, error) {
	day, err := Day(path)
	if err != nil {
		return File{}, err
	}
	f := File{Name: filepath.Base(path), Day: day, Skipped: map[Reason][]int{}}
	minute := 0
	untimed := 0 // lines at the beginning that take the first time there is
	seen := false
	for number, raw := range splitLines(data) {
		s, reason := parseLine(raw)
		if s.minute >= 0 {
			if minute = s.minute; !seen {
				seen, untimed = true, len(f.Lines)
			}
		}
		if reason == "" {
			line, why := newLine(number, raw, s)
			if reason = why; reason == "" {
				line.Time = day.Add(time.Duration(minute) * time.Minute)
				f.Lines = append(f.Lines, line)
			}
		}
		if reason != "" {
			f.Skipped[reason] = append(f.Skipped[reason], number)
		}
		if seen && untimed > 0 {
			for i := range f.Lines[:untimed] {
				f.Lines[i].Time = day.Add(time.Duration(minute) * time.Minute)
			}
			untimed = 0
		}
	}
	return f, nil
}

func newLine(number int, raw []byte, s said) (Line, Reason) {
	user, err := UserID(string(s.nick))
	if err != nil {
		return Line{}, NickTooLong
	}
	text, replaced := clean(s.text)
	if len(text) > events.MaxText {
		return Line{}, TextTooLong
	}
	return Line{
		Number: number, Kind: s.kind, Nick: string(s.nick), User: user, Text: text, Raw: raw, Replaced: replaced,
	}, ""
}

// splitLines gives the lines of data with their index, without their ends. A
// last line without an end counts; nothing behind the last end does not.
func splitLines(data []byte) func(yield func(int, []byte) bool) {
	return func(yield func(int, []byte) bool) {
		data := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
		for number := 0; len(data) > 0; number++ {
			line, rest, _ := bytes.Cut(data, []byte("\n"))
			if !yield(number, bytes.TrimSuffix(line, []byte("\r"))) {
				return
			}
			data = rest
		}
	}
}
