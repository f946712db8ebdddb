package events

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// factsBytes is room enough for the facts of most messages and what is around them.
const factsBytes = 128

// EncodeContent writes content as encoding/json does; nil is none.
func EncodeContent(content any) (json.RawMessage, error) {
	switch c := content.(type) {
	case nil:
		return nil, nil
	case MessageContent: // most events are messages, and reflection costs more than all else of it
		if len(c.Attachments) == 0 && len(c.Data) == 0 {
			return appendPlain(make([]byte, 0, len(c.Text)+len(c.Format)+len(c.ClientMsgID)+48), &c), nil
		}
	}
	return json.Marshal(content)
}

// appendPlain writes the content of a message that has neither attachments nor data.
func appendPlain(b []byte, c *MessageContent) []byte {
	b = AppendText(append(b, `{"text":`...), c.Text)
	b = appendField(b, "format", c.Format)
	b = appendField(b, "client_msg_id", c.ClientMsgID)
	return append(b, '}')
}

// appendFacts writes facts as encoding/json does.
func appendFacts(b []byte, f Facts) ([]byte, error) {
	if m, ok := f.(MessagePosted); ok {
		return appendPosted(b, &m), nil
	}
	facts, err := json.Marshal(f)
	return append(b, facts...), err
}

func appendPosted(b []byte, f *MessagePosted) []byte {
	b = AppendText(append(b, `{"sender":`...), string(f.Sender))
	b = appendField(b, "digest", f.Digest)
	b = AppendText(append(b, `,"kind":`...), f.Kind)
	b = strconv.AppendInt(append(b, `,"text_bytes":`...), int64(f.TextBytes), 10)
	b = appendField(b, "reply_to", string(f.ReplyTo))
	b = appendField(b, "thread_root", string(f.ThreadRoot))
	for i, u := range f.Mentions {
		if i == 0 {
			b = append(b, `,"mentions":[`...)
		} else {
			b = append(b, ',')
		}
		b = AppendText(b, string(u))
	}
	if len(f.Mentions) > 0 {
		b = append(b, ']')
	}
	if f.Attachments != 0 {
		b = strconv.AppendInt(append(b, `,"attachments":`...), int64(f.Attachments), 10)
	}
	if f.MentionsRoom {
		b = append(b, `,"mentions_room":true`...)
	}
	if f.MentionsHere {
		b = append(b, `,"mentions_here":true`...)
	}
	return append(b, '}')
}

// appendField writes a field that is left out where it is empty.
func appendField(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	return AppendText(b, s)
}

// What a byte says of the text that it is in.
const (
	escaped = 1 << iota // encoding/json escapes it
	notASCII
)

var bytesOfText = func() (says [256]byte) {
	for c := range says {
		switch {
		case c >= utf8.RuneSelf:
			says[c] = notASCII
		case c < ' ', c == 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			says[c] = escaped
		}
	}
	return says
}()

// AppendText writes a string as encoding/json does: what that escapes is left to it.
func AppendText(b []byte, s string) []byte {
	var says byte
	for i := range len(s) {
		says |= bytesOfText[s[i]]
	}
	if says&escaped != 0 || says&notASCII != 0 && (!utf8.ValidString(s) || strings.ContainsAny(s, "\u2028\u2029")) {
		return appendEscaped(b, s)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	encoded, err := json.Marshal(strings.Clone(s)) // or all that is appended would be on the heap
	if err != nil {
		panic(err) // a string
	}
	return append(b, encoded...)
}

// AppendTime writes a time as RFC 3339 has it, in UTC and cut to the millisecond.
func AppendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	b = t.AppendFormat(b, time.RFC3339) // other layouts are interpreted
	ms := t.Nanosecond() / int(time.Millisecond)
	return append(b[:len(b)-len("Z")], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}
