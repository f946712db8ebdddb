package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"
)

// postedShape is [shapeOf] MessagePosted, without encoding/json where the facts are
// those of a plain message: most events are.
func postedShape() shape {
	s := shapeOf[MessagePosted]()
	anyFacts := s.read
	s.read = func(facts []byte) (any, error) {
		if f, err := readPosted(facts); err == nil {
			return f, nil
		}
		return anyFacts(facts)
	}
	return s
}

var errNotPlain = errors.New("not a plain message")

// readPosted reads facts; an error says that there is more in them than it knows.
func readPosted(facts []byte) (f MessagePosted, err error) {
	s := scanner{b: facts}
	s.space()
	err = s.object(func(name []byte) (err error) {
		switch string(name) {
		case "sender":
			err = plainText(&s, &f.Sender)
		case "digest":
			err = plainText(&s, &f.Digest)
		case "kind":
			err = plainText(&s, &f.Kind)
		case "reply_to":
			err = plainText(&s, &f.ReplyTo)
		case "thread_root":
			err = plainText(&s, &f.ThreadRoot)
		case "text_bytes":
			start := s.i
			if err = s.number(); err == nil {
				f.TextBytes, err = strconv.Atoi(string(facts[start:s.i]))
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
func DecodeMessageContent(content []byte) (MessageContent, error) {
	if c, err := readContent(content); err == nil {
		return c, nil
	}
	var c MessageContent
	err := json.Unmarshal(content, &c)
	return c, err
}

func readContent(content []byte) (c MessageContent, err error) {
	s := scanner{b: content}
	s.space()
	err = s.object(func(name []byte) error {
		switch string(name) {
		case "text":
			return plainText(&s, &c.Text)
		case "format":
			return plainText(&s, &c.Format)
		case "client_msg_id":
			return plainText(&s, &c.ClientMsgID)
		}
		return errNotPlain
	})
	if s.space(); err == nil && s.i < len(content) {
		err = errNotPlain
	}
	return c, err
}

// plainText reads a string of UTF-8 without escapes.
func plainText[T ~string](s *scanner, into *T) error {
	text, err := s.text()
	if err != nil {
		return err
	}
	if bytes.IndexByte(text, '\\') >= 0 || !utf8.Valid(text) {
		return errNotPlain
	}
	*into = T(text)
	return nil
}
