package irc

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/roomlog/roomlog/pkg/events"
)

// Kind is what a line is: the type of the message that it becomes.
type Kind string

// Kinds of lines.
const (
	Text   Kind = "text"
	Action Kind = "action"
	Notice Kind = "notice"
)

// Reason says why a line is skipped.
type Reason string

// Reasons.
const (
	Empty         Reason = "empty line"
	NotUnderstood Reason = "not a line of chat"
	NoText        Reason = "no text"
	TextTooLong   Reason = "text too long"
	NickTooLong   Reason = "nick too long"
)

// Line is a line that was said.
type Line struct {
	// Number is the line's index in the file, from 0.
	Number int
	Kind   Kind
	// Nick is the name's bytes as they stand in the file.
	Nick string
	// User is [UserID] of Nick.
	User events.UserID
	// Text is valid UTF-8 without U+0000.
	Text string
	// Time is the file's day and the line's minute.
	Time time.Time
	// Raw is the line without its end, as it stands in the file.
	Raw []byte
	// Replaced counts the bytes of Raw's text that became U+FFFD.
	Replaced Replaced
}

// Replaced counts bytes that no store takes.
type Replaced struct {
	Invalid int // bytes that are not UTF-8
	Null    int // U+0000
}

// Add adds the counts of another.
func (r *Replaced) Add(o Replaced) {
	r.Invalid += o.Invalid
	r.Null += o.Null
}

// said is what a line says, before its time is known.
type said struct {
	kind       Kind
	nick, text []byte
	minute     int // of the day; -1: the line has no time
}

// parseLine reads one line; a reason says that it is to be skipped. The minute
// is returned where the line has one, skipped or not.
func parseLine(raw []byte) (said, Reason) {
	s := said{minute: -1}
	if len(bytes.TrimSpace(raw)) == 0 {
		return s, Empty
	}
	if rest, ok := bytes.CutPrefix(raw, []byte("=== ")); ok {
		nick, _, _ := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
		if len(nick) == 0 {
			return s, NoText
		}
		s.kind, s.nick, s.text = Notice, nick, rest
		return s, ""
	}
	rest, minute, ok := cutTime(raw)
	if !ok {
		return s, NotUnderstood
	}
	s.minute = minute
	if s.kind, s.nick, s.text, ok = parseSaid(rest); !ok {
		return s, NotUnderstood
	}
	if len(bytes.TrimSpace(s.text)) == 0 {
		return s, NoText
	}
	return s, ""
}

// parseSaid reads what stands behind the time.
func parseSaid(b []byte) (kind Kind, nick, text []byte, ok bool) {
	if rest, is := bytes.CutPrefix(b, []byte("<")); is {
		nick, text, ok = bytes.Cut(rest, []byte(">"))
		return Text, nick, bytes.TrimPrefix(text, []byte(" ")), ok && len(nick) > 0
	}
	if rest, is := bytes.CutPrefix(bytes.TrimLeft(b, " "), []byte("* ")); is {
		nick, text, _ = bytes.Cut(rest, []byte(" "))
		return Action, nick, text, len(nick) > 0
	}
	if rest, is := bytes.CutPrefix(b, []byte("-")); is {
		nick, text, ok = bytes.Cut(rest, []byte(":"))
		if !ok || len(nick) == 0 || bytes.ContainsAny(nick, " ") {
			return "", nil, nil, false
		}
		_, text, ok = bytes.Cut(text, []byte("- "))
		return Notice, nick, text, ok
	}
	return "", nil, nil, false
}

// cutTime reads "[hh:mm] " and returns the minute of the day.
func cutTime(b []byte) (rest []byte, minute int, ok bool) {
	if len(b) < 8 || b[0] != '[' || b[3] != ':' || b[6] != ']' || b[7] != ' ' {
		return b, 0, false
	}
	hour, ok1 := twoDigits(b[1:3])
	min, ok2 := twoDigits(b[4:6])
	return b[8:], hour*60 + min, ok1 && ok2 && hour < 24 && min < 60
}

func twoDigits(b []byte) (int, bool) {
	if b[0] < '0' || b[0] > '9' || b[1] < '0' || b[1] > '9' {
		return 0, false
	}
	return int(b[0]-'0')*10 + int(b[1]-'0'), true
}

// clean makes text that every store takes: each byte that is not UTF-8, and
// each U+0000, becomes U+FFFD.
func clean(b []byte) (string, Replaced) {
	var r Replaced
	if utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 {
		return string(b), r
	}
	var out strings.Builder
	for len(b) > 0 {
		c, n := utf8.DecodeRune(b)
		switch {
		case c == utf8.RuneError && n == 1:
			r.Invalid++
		case c == 0:
			r.Null++
			c = utf8.RuneError
		}
		out.WriteRune(c)
		b = b[n:]
	}
	return out.String(), r
}
