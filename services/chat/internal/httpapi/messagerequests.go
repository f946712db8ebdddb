package httpapi

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

const (
	maxFormat    = 32
	maxKind      = 64
	maxURL       = 2048
	maxMediaType = 128
	maxFileName  = 256
	maxFileHash  = 256
)

var word = regexp.MustCompile(`^[a-z0-9._-]+$`)

// messageRequest is the body of a message.
type messageRequest struct {
	api.MessageRequest
	// here are those whom it mentions for being there.
	here []events.UserID
	// posted is what became of it, where the client waits for that.
	posted *api.Message
}

func (b *messageRequest) into() (any, string) { return &b.MessageRequest, "text" }

func (b *messageRequest) key() string { return b.ClientMsgID }

func (b *messageRequest) check() error {
	switch {
	case len(b.Text) > events.MaxText:
		p := problem.Rejected(room.CodeTextTooLong)
		p.Field, p.Detail = "text", fmt.Sprintf("a text has at most %d bytes", events.MaxText)
		return p
	case b.Text == "" && len(b.Attachments) == 0 && len(b.Data) == 0:
		return invalidField("text", "a text is empty only where there are attachments or data")
	case b.Format != "" && (len(b.Format) > maxFormat || !word.MatchString(b.Format)):
		return invalidField("format", fmt.Sprintf("a format is 1 to %d characters of a-z 0-9 . _ -", maxFormat))
	case b.Type != "" && (len(b.Type) > maxKind || !word.MatchString(b.Type)):
		return invalidField("type", fmt.Sprintf("a type is 1 to %d characters of a-z 0-9 . _ -", maxKind))
	case len(b.Mentions) > events.MaxMentions:
		return invalidField("mentions", fmt.Sprintf("a message mentions at most %d people", events.MaxMentions))
	case len(b.Attachments) > events.MaxAttachments:
		return invalidField("attachments", fmt.Sprintf("a message has at most %d attachments", events.MaxAttachments))
	}
	if err := checkKey("client_msg_id", b.ClientMsgID); err != nil {
		return err
	}
	return b.checkReferences()
}

func (b *messageRequest) checkReferences() error {
	for _, r := range [...]struct{ field, id string }{{"reply_to", b.ReplyTo}, {"thread_root", b.ThreadRoot}} {
		if r.id == "" {
			continue
		}
		if _, err := events.ParseEventID(r.id); err != nil {
			return badID(r.field, err)
		}
	}
	for i, u := range b.Mentions {
		if _, err := events.ParseUserID(u); err != nil {
			return badID(fmt.Sprintf("mentions[%d]", i), err)
		}
		if slices.Contains(b.Mentions[:i], u) {
			return invalidField(fmt.Sprintf("mentions[%d]", i), "the person is there twice")
		}
	}
	for i := range b.Attachments {
		if err := checkAttachment(fmt.Sprintf("attachments[%d]", i), &b.Attachments[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkAttachment(path string, a *events.Attachment) error {
	u, err := url.Parse(a.URL)
	switch {
	case err != nil || len(a.URL) > maxURL || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return invalidField(path+".url", fmt.Sprintf("this is an absolute http or https URL of at most %d bytes", maxURL))
	case len(a.MediaType) > maxMediaType || strings.ContainsAny(a.MediaType, "\r\n"):
		return invalidField(path+".media_type", fmt.Sprintf("a media type has at most %d bytes", maxMediaType))
	case len(a.Name) > maxFileName:
		return invalidField(path+".name", fmt.Sprintf("a name has at most %d bytes", maxFileName))
	case a.Size < 0:
		return invalidField(path+".size", "a size is not negative")
	case len(a.Digest) > maxFileHash:
		return invalidField(path+".digest", fmt.Sprintf("a digest has at most %d bytes", maxFileHash))
	}
	return nil
}

func (b *messageRequest) facts(by events.Command) events.Facts {
	f := events.MessagePosted{
		Command: by, Kind: b.Type, TextBytes: len(b.Text), ReplyTo: events.EventID(b.ReplyTo),
		ThreadRoot: events.EventID(b.ThreadRoot), Attachments: len(b.Attachments),
		Mentions: b.mentions(), MentionsRoom: b.MentionsRoom, MentionsHere: b.MentionsHere,
	}
	if f.Kind == "" {
		f.Kind = "text"
	}
	return f
}

func (b *messageRequest) editFacts(by events.Command, target events.EventID, base int) events.Facts {
	return events.MessageEdited{
		Command: by, Target: target, Base: base, TextBytes: len(b.Text), Attachments: len(b.Attachments),
		Mentions: b.mentions(), MentionsRoom: b.MentionsRoom, MentionsHere: b.MentionsHere,
	}
}

// mentions are those whom the client names, and those who are there.
func (b *messageRequest) mentions() (ids []events.UserID) {
	for _, n := range b.Mentions {
		ids = append(ids, events.UserID(n))
	}
	return append(ids, b.here...)
}

func (b *messageRequest) content() events.MessageContent {
	return events.MessageContent{
		Text: b.Text, Format: b.Format, ClientMsgID: b.ClientMsgID, Attachments: b.Attachments, Data: b.Data,
	}
}
