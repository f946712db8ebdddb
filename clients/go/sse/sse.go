// Package sse reads a stream of server-sent events (text/event-stream).
package sse

import (
	"bufio"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
)

// maxLine is the longest line, in bytes.
const maxLine = 1 << 20

// Frame is what stands between two blank lines. Without Data it is no event: an ID
// alone moves the cursor.
type Frame struct {
	ID, Event, Data string
	// Retry is how long the server asks to wait before connecting again; zero: it
	// does not say.
	Retry time.Duration
}

// Read gives the frames of a stream until it breaks off; an error, at last, says why:
// [io.ErrUnexpectedEOF] where it just ended, since no stream of this API ends without
// having said so. A frame that was cut is not given.
func Read(r io.Reader) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		var f Frame
		for lines.Scan() {
			if lines.Text() != "" {
				f.add(lines.Text())
				continue
			}
			if f != (Frame{}) && !yield(f, nil) {
				return
			}
			f = Frame{}
		}
		err := lines.Err()
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		yield(Frame{}, err)
	}
}

func (f *Frame) add(line string) {
	field, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch field { // "" is a comment
	case "id":
		f.ID = value
	case "event":
		f.Event = value
	case "data":
		if f.Data != "" {
			f.Data += "\n"
		}
		f.Data += value
	case "retry":
		if ms, err := strconv.Atoi(value); err == nil {
			f.Retry = time.Duration(ms) * time.Millisecond
		}
	}
}
