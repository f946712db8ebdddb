package events

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// postedShape is [shapeOf] MessagePosted, without encoding/json where the facts are
// those of a plain message: most events are.
func postedShape() shape {
	s := shapeOf[MessagePosted]()
	anyFacts := s.read
	s.read = func(facts string) (any, error) {
		if f, err := readPosted(facts); err == nil {
			return f, nil
		}
		return anyFacts(facts)
	}
	return s
}

// DecodePosted is [DecodeFacts] of a message.posted, of which the texts are parts of
// what they were read from.
func DecodePosted(version int, facts string) (f MessagePosted, err error) {
	if version == 1 {
		if f, err = readPosted(facts); err == nil {
			return f, nil
		}
	}
	decoded, err := DecodeFacts(TypeMessagePosted, version, facts)
	if err == nil {
		f = decoded.(MessagePosted)
	}
	return f, err
}

var errNotPlain = errors.New("not a plain message")

// scanText scans a text as it is: a scanner writes nothing.
func scanText(text string) scanner {
	return scanner{b: unsafe.Slice(unsafe.StringData(text), len(text))}
}

// readPosted reads facts; an error says that there is more in them than it knows.
func readPosted(facts string) (f MessagePosted, err error) {
	s := scanText(facts)
	s.space()
	err = s.object(func(name []byte) (err error) {
		switch string(name) {
		case "sender":
			err = plainText(&s, facts, &f.Sender)
		case "digest":
			err = plainText(&s, facts, &f.Digest)
		case "kind":
			err = plainText(&s, facts, &f.Kind)
		case "reply_to":
			err = plainText(&s, facts, &f.ReplyTo)
		case "thread_root":
			err = plainText(&s, facts, &f.ThreadRoot)
		case "text_bytes":
			start := s.i
			if err = s.number(); err == nil {
				f.TextBytes, err = strconv.Atoi(facts[start:s.i])
			}
		default:
			err = errNotPlain
		}
		return err
	})
	if s.space(); err == nil && s.i < len(facts) {
		err = errNotPlain
	}
	return f, err
}

// DecodeMessageContent reads the content of a message or an edit as encoding/json
// does, and without it where there is nothing but text.
func DecodeMessageContent(content string) (MessageContent, error) {
	if c, err := readContent(content); err == nil {
		return c, nil
	}
	var c MessageContent
	err := json.Unmarshal([]byte(content), &c)
	return c, err
}

func readContent(content string) (c MessageContent, err error) {
	s := scanText(content)
	s.space()
	err = s.object(func(name []byte) error {
		switch string(name) {
		case "text":
			return plainText(&s, content, &c.Text)
		case "format":
			return plainText(&s, content, &c.Format)
		case "client_msg_id":
			return plainText(&s, content, &c.ClientMsgID)
		}
		return errNotPlain
	})
	if s.space(); err == nil && s.i < len(content) {
		err = errNotPlain
	}
	return c, err
}

// plainText reads a string of UTF-8 without escapes, of a text that is scanned.
func plainText[T ~string](s *scanner, of string, into *T) error {
	start := s.i + len(`"`)
	if _, err := s.text(); err != nil {
		return err
	}
	text := of[start : s.i-len(`"`)]
	if strings.IndexByte(text, '\\') >= 0 || !utf8.ValidString(text) {
		return errNotPlain
	}
	*into = T(text)
	return nil
}
