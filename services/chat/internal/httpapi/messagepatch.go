package httpapi

import (
	"encoding/json"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
	"github.com/roomlog/roomlog/services/chat/internal/strictjson"
)

// messageState is what of a message its author edits.
type messageState struct {
	Text         string              `json:"text"`
	Format       string              `json:"format,omitempty"`
	Mentions     []string            `json:"mentions,omitempty"`
	MentionsRoom bool                `json:"mentions_room,omitempty"`
	MentionsHere bool                `json:"mentions_here,omitempty"`
	Attachments  []events.Attachment `json:"attachments,omitempty"`
	Data         json.RawMessage     `json:"data,omitempty"`
}

func messageStateOf(m *query.Message) (messageState, error) {
	says := &m.EventRow
	if m.Edited != nil {
		says = m.Edited
	}
	c, err := contentOf(says)
	return messageState{c.Text, c.Format, encodeUsers(c.mentions), c.mentionsRoom, c.mentionsHere, c.Attachments, c.Data}, err
}

// request is the state as if it were posted.
func (s messageState) request() *messageRequest {
	return &messageRequest{MessageRequest: api.MessageRequest{
		Text: s.Text, Format: s.Format, Mentions: s.Mentions, MentionsRoom: s.MentionsRoom, MentionsHere: s.MentionsHere,
		Attachments: s.Attachments, Data: s.Data,
	}}
}

// PatchMessage edits a message. The event has all of its content, so the patch is
// laid on the message as it is, and the fold refuses it where that is another by
// then.
func (s *Server) PatchMessage(c echo.Context, roomName api.RoomID, event api.EventID, p api.PatchMessageParams) error {
	target, err := eventID(event)
	if err != nil {
		return err
	}
	var cmd command.Command
	if err := s.beginBare(c, &cmd, roomName, headers{prefer: p.Prefer, position: p.RoomlogPosition}, ""); err != nil {
		return err
	}
	version, err := ifMatch(c)
	if err != nil {
		return err
	}
	patch, err := readPatch(c, &messageState{})
	if err != nil {
		return err
	}
	return untilNotOvertaken(version, func() error { return s.patchMessage(c, cmd, target, version, patch) })
}

// patchMessage lays the patch on the message's present version, which must be the
// given one; zero: any.
func (s *Server) patchMessage(c echo.Context, cmd command.Command, target events.EventID, version int, patch []byte) error {
	m, err := s.Reads.LatestMessage(c.Request().Context(), readOf(c, &cmd), cmd.Room, target)
	if err != nil {
		return err
	}
	present := m.State.Edits + 1
	if version != 0 && version != present {
		return problem.Rejected(room.CodeVersion)
	}
	state, err := messageStateOf(&m)
	if err != nil {
		return err
	}
	here := state.MentionsHere
	if err := strictjson.Patch(&state, patch); err != nil {
		return err
	}
	to := state.request()
	if err := to.check(); err != nil {
		return err
	}
	if state.MentionsHere && !here { // who was there stands among the mentions
		cmd.Complete = s.mentionHere(to)
	}
	cmd.Content = to.content()
	cmd.Facts = func(by events.Command) events.Facts { return to.editFacts(by, target, present) }
	return s.finishMessage(c, &cmd, target)
}
