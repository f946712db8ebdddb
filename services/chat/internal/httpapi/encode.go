package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// answerTimeout is how long a client may take for an answer that is no stream.
const answerTimeout = 20 * time.Second

// writeJSON answers with a JSON body. It is encoded before anything is sent, so
// that what cannot be encoded is still an error.
func writeJSON(c echo.Context, status int, contentType string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	if c.Response().Header().Get("Cache-Control") == "" {
		c.Response().Header().Set("Cache-Control", "private, no-store")
	}
	return blob(c, status, contentType, b)
}

// blob answers with bytes, for which the client has answerTimeout.
func blob(c echo.Context, status int, contentType string, b []byte) error {
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(answerTimeout)) // not all writers of tests have one
	return c.Blob(status, contentType, b)
}

// roomContent reads what the creator said of the room. The codec wrote it.
func roomContent(row *readmodel.RoomRow) (content events.RoomContent) {
	_ = json.Unmarshal([]byte(row.Content), &content) // encrypted content has nothing to show
	return content
}

func encodeRoom(r query.Room) api.Room {
	content := roomContent(&r.RoomRow)
	out := api.Room{
		Room: string(r.Room), Kind: api.Kind(r.Kind), Name: content.Name,
		Members: r.Members, CreatedAt: readmodel.Time(r.Created),
	}
	if r.Full {
		out.Settings = &api.Settings{MaxMessageLength: r.Settings.MaxMessageLength}
		if out.Metadata = content.Metadata; out.Metadata == nil {
			out.Metadata = json.RawMessage("{}")
		}
		out.Seq, out.Version = int64(r.Seq), int64(r.ContentSeq)
	}
	return out
}

func encodeUserRoom(r *readmodel.UserRoom) (api.UserRoom, error) {
	out := api.UserRoom{
		Room: string(r.Room), Kind: api.Kind(r.Kind), Name: roomContent(&r.RoomRow).Name, Members: r.Members,
		CreatedAt: readmodel.Time(r.Created), Membership: api.Membership(r.Member.Membership), Role: api.Role(r.Member.Role), SinceSeq: int64(r.Member.Since),
	}
	if r.Member.Membership != events.MembershipJoin { // the invited see that it is there
		return out, nil
	}
	out.Seq = int64(r.Seq)
	if r.Last.Seq > 0 {
		last, err := encodeMessage(&r.Last.EventRow)
		if err != nil {
			return out, err
		}
		out.LastMessage = &last
	}
	return out, nil
}

func encodeMember(m room.Member) api.Member {
	return api.Member{
		User: string(m.User), Membership: api.Membership(m.Membership), Role: api.Role(m.Role),
		SinceSeq: int64(m.Since), Until: readmodel.Time(m.Until),
	}
}

func encodeMemberResult(m room.Member, r command.Receipt) api.MemberResult {
	return api.MemberResult{
		User: string(m.User), Membership: api.Membership(m.Membership), Role: api.Role(m.Role),
		SinceSeq: int64(m.Since), Until: readmodel.Time(m.Until),
		EventID: string(r.Event), Seq: int64(r.Outcome.Seq),
	}
}

func encodeMessage(row *readmodel.EventRow) (api.Message, error) {
	item, err := row.Item()
	if err != nil {
		return api.Message{}, err
	}
	d, ok := item.Data.(readmodel.MessagePostedData)
	if !ok {
		return api.Message{}, fmt.Errorf("event %s is no message", row.ID)
	}
	out := api.Message{
		ID: string(item.ID), Seq: int64(item.Seq), Room: string(item.Room), Sender: string(item.Sender), SentAt: item.Time,
		Type: d.Kind, Text: d.Text, Format: d.Format, ClientMsgID: d.ClientMsgID,
		ReplyTo: string(d.ReplyTo), ThreadRoot: string(d.ThreadRoot), Attachments: d.Attachments, Data: d.Data,
	}
	for _, u := range d.Mentions {
		out.Mentions = append(out.Mentions, string(u))
	}
	return out, nil
}

func encodeOutcome(o query.Outcome) api.Outcome {
	out := api.Outcome{Status: api.OutcomeStatus(o.Status), Seq: int64(o.Seq), Code: string(o.Code)}
	if o.Position != nil {
		token := o.Position.Token()
		out.Position = &token
	}
	return out
}

// encodeAll encodes a list; an empty one is [], not null.
func encodeAll[R, T any](rows []R, encode func(*R) (T, error)) ([]T, error) {
	out := make([]T, len(rows))
	for i := range rows {
		var err error
		if out[i], err = encode(&rows[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
