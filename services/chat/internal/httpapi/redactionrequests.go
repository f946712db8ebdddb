package httpapi

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// redactionRequest is the body of the redaction of a range.
type redactionRequest struct{ api.RedactionRequest }

func (b *redactionRequest) into() (any, string) { return &b.RedactionRequest, "from" }

func (b *redactionRequest) key() string { return "" }

func (b *redactionRequest) check() error {
	switch {
	case b.From < 1 || b.From > maxSeq:
		return invalidField("from", "this is a seq: 1, 2, 3 …")
	case b.To < b.From || b.To > maxSeq:
		return invalidField("to", "this is a seq, and not smaller than from")
	case len(b.Reason) > events.MaxReason:
		return invalidField("reason", fmt.Sprintf("a reason has at most %d bytes", events.MaxReason))
	}
	if b.Author == "" {
		return nil
	}
	if _, err := events.ParseUserID(b.Author); err != nil {
		return badID("author", err)
	}
	return nil
}

func (b *redactionRequest) facts(by events.Command) events.Facts {
	return events.MessageRedacted{
		Command: by, Range: events.MessageRange{From: events.Seq(b.From), To: events.Seq(b.To), Author: events.UserID(b.Author)},
	}
}

// isText reports whether what is no JSON can be stored.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func checkReactionKey(key string) error {
	if key == "" || len(key) > events.MaxReactionKey || !isText(key) {
		return problem.In(problem.InvalidParameter, "key", fmt.Sprintf("a key is 1 to %d bytes of text", events.MaxReactionKey))
	}
	return nil
}
