package httpapi

import (
	"fmt"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// messageResult is a message as the answer to a command about it.
type messageResult struct {
	api.Message
	EventID  string `json:"event_id"`
	EventSeq int64  `json:"event_seq,omitempty"`
}

func encodeMessageResult(m api.Message, r command.Receipt) messageResult {
	return messageResult{m, string(r.Event), int64(r.Outcome.Seq)}
}

// content is what an event says in a message: all of it, as it is since.
type content struct {
	events.MessageContent
	mentions     []events.UserID
	mentionsRoom bool
	mentionsHere bool
}

// contentOf reads what a message or an edit says; nothing where it was redacted.
func contentOf(row *readmodel.EventRow) (content, error) {
	item, err := row.Item()
	if err != nil {
		return content{}, err
	}
	switch d := item.Data.(type) {
	case readmodel.MessagePostedData:
		return contentOfPosted(&d), nil
	case readmodel.MessageEditedData:
		return content{d.MessageContent, d.Mentions, d.MentionsRoom, d.MentionsHere}, nil
	case readmodel.RedactedData:
		return content{}, nil
	}
	return content{}, fmt.Errorf("event %s says nothing in a message", item.ID)
}

func contentOfPosted(d *readmodel.MessagePostedData) content {
	return content{d.MessageContent, d.Mentions, d.MentionsRoom, d.MentionsHere}
}

func encodeMessage(m *query.Message) (api.Message, error) {
	out := api.Message{
		ID: string(m.ID), Seq: int64(m.Seq), Room: string(m.Room), Sender: string(m.Sender), SentAt: readmodel.Time(m.SentAt),
		Version: m.State.Edits + 1, Redacted: m.Redacted > 0,
		Reactions: []api.Reaction{}, Replies: m.State.Replies, LastReplySeq: int64(m.State.LastReply), Pinned: m.State.Pinned > 0,
		Unread: m.Unread,
	}
	posted, err := m.PostedData()
	if err != nil {
		return out, err
	}
	out.Type, out.ReplyTo, out.ThreadRoot = posted.Kind, string(posted.ReplyTo), string(posted.ThreadRoot)
	var c content
	if m.Redacted == 0 {
		out.ClientMsgID = posted.ClientMsgID
		c = contentOfPosted(&posted)
	}
	if m.Edited != nil {
		if c, err = contentOf(m.Edited); err != nil {
			return out, err
		}
		out.Edited, out.EditedAt = true, readmodel.Time(m.Edited.SentAt)
	}
	out.Text, out.Format, out.Attachments, out.Data = c.Text, c.Format, c.Attachments, c.Data
	out.Mentions, out.MentionsRoom, out.MentionsHere = encodeUsers(c.mentions), c.mentionsRoom, c.mentionsHere
	for _, r := range m.State.Reactions {
		out.Reactions = append(out.Reactions, api.Reaction{Key: r.Key, Count: r.Count, Mine: slices.Contains(m.Mine, r.Key)})
	}
	return out, nil
}

func encodeVersion(v *query.Version) (api.MessageVersion, error) {
	c, err := contentOf(&v.EventRow)
	return api.MessageVersion{
		Version: v.Version, EventID: string(v.ID), Seq: int64(v.Seq), SentAt: readmodel.Time(v.SentAt), Redacted: v.Redacted > 0,
		Text: c.Text, Format: c.Format, Attachments: c.Attachments, Data: c.Data,
		Mentions: encodeUsers(c.mentions), MentionsRoom: c.mentionsRoom, MentionsHere: c.mentionsHere,
	}, err
}

func encodeUsers(ids []events.UserID) (names []string) {
	for _, u := range ids {
		names = append(names, string(u))
	}
	return names
}
