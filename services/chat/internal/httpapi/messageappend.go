package httpapi

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// messageSize is room enough for most messages, in bytes.
const messageSize = 512

// appendMessages writes an [api.MessagePage] as encoding/json does. Pages of messages
// are most of what is read, and reflection was a quarter of what one costs.
func appendMessages(b []byte, page query.Page[query.Message]) ([]byte, error) {
	b = append(b, `{"items":[`...)
	for i := range page.Items {
		m, err := encodeMessage(&page.Items[i])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendMessage(b, &m); err != nil {
			return nil, err
		}
	}
	b = append(b, `],"next":`...)
	b = appendCursor(b, page.Next)
	b = append(b, `,"prev":`...)
	b = appendCursor(b, page.Prev)
	return append(b, '}'), nil
}

// acceptedSize is room enough for an [api.Accepted] of one partition, in bytes.
const acceptedSize = 160

// appendAccepted writes what most sends are answered with, as encoding/json does.
func appendAccepted(b []byte, a *api.Accepted) []byte {
	b = events.AppendText(append(b, `{"event_id":`...), a.EventID)
	b = appendCursor(append(b, `,"position":`...), a.Position)
	if a.Room != "" {
		b = events.AppendText(append(b, `,"room":`...), a.Room)
	}
	return append(b, '}')
}

func appendCursor(b []byte, cursor *string) []byte {
	if cursor == nil {
		return append(b, "null"...)
	}
	return events.AppendText(b, *cursor)
}

// appendMessage writes a message. What few have is left to encoding/json.
func appendMessage(b []byte, m *api.Message) ([]byte, error) {
	var err error
	b = append(b, '{')
	text := func(name, s string) {
		if s != "" {
			b = append(events.AppendText(append(b, name...), s), ',')
		}
	}
	number := func(name string, n int64) {
		b = append(strconv.AppendInt(append(b, name...), n, 10), ',')
	}
	flag := func(name string, v bool) {
		b = append(strconv.AppendBool(append(b, name...), v), ',')
	}
	other := func(name string, v any) {
		encoded, failed := json.Marshal(v)
		if failed != nil && err == nil {
			err = fmt.Errorf("encode message %s: %w", m.ID, failed)
		}
		b = append(append(append(b, name...), encoded...), ',')
	}
	if len(m.Attachments) > 0 {
		other(`"attachments":`, m.Attachments)
	}
	text(`"client_msg_id":`, m.ClientMsgID)
	if len(m.Data) > 0 {
		other(`"data":`, m.Data)
	}
	flag(`"edited":`, m.Edited)
	if m.EditedAt != 0 {
		b = append(m.EditedAt.Append(append(b, `"edited_at":`...)), ',')
	}
	text(`"format":`, m.Format)
	b = append(events.AppendText(append(b, `"id":`...), m.ID), ',')
	if m.LastReplySeq != 0 {
		number(`"last_reply_seq":`, m.LastReplySeq)
	}
	if len(m.Mentions) > 0 {
		other(`"mentions":`, m.Mentions)
	}
	if m.MentionsHere {
		flag(`"mentions_here":`, true)
	}
	if m.MentionsRoom {
		flag(`"mentions_room":`, true)
	}
	if m.Pinned {
		flag(`"pinned":`, true)
	}
	if len(m.Reactions) > 0 {
		other(`"reactions":`, m.Reactions)
	} else {
		b = append(b, `"reactions":[],`...)
	}
	flag(`"redacted":`, m.Redacted)
	number(`"replies":`, m.Replies)
	text(`"reply_to":`, m.ReplyTo)
	b = append(events.AppendText(append(b, `"room":`...), m.Room), ',')
	b = append(events.AppendText(append(b, `"sender":`...), m.Sender), ',')
	b = append(m.SentAt.Append(append(b, `"sent_at":`...)), ',')
	number(`"seq":`, m.Seq)
	b = append(events.AppendText(append(b, `"text":`...), m.Text), ',')
	text(`"thread_root":`, m.ThreadRoot)
	b = append(events.AppendText(append(b, `"type":`...), m.Type), ',')
	if m.Unread != 0 {
		number(`"unread":`, m.Unread)
	}
	b = strconv.AppendInt(append(b, `"version":`...), int64(m.Version), 10)
	return append(b, '}'), err
}
