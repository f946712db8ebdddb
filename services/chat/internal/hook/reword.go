package hook

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/roomlog/roomlog/pkg/events"
)

// reword gives the event with another text. Its id and digest stay: sent again by
// its client, it is the same command.
func reword(e *events.Event, text string) (*events.Event, error) {
	if text == "" || len(text) > events.MaxText || !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return nil, fmt.Errorf("the text is not one of 1 to %d bytes of UTF-8", events.MaxText)
	}
	instead := *e
	switch f := e.Facts.(type) {
	case events.MessagePosted:
		f.TextBytes = len(text)
		instead.Facts = f
	case events.MessageEdited:
		f.TextBytes = len(text)
		instead.Facts = f
	default:
		return nil, errors.New("there is no text that could be replaced")
	}
	var content events.MessageContent
	if err := json.Unmarshal(e.Content, &content); err != nil {
		return nil, fmt.Errorf("read content: %w", err)
	}
	content.Text = text
	var err error
	if instead.Content, err = json.Marshal(content); err != nil {
		return nil, fmt.Errorf("encode content: %w", err)
	}
	return &instead, nil
}
