package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/strictjson"
)

const mergePatchType = "application/merge-patch+json"

// patches is how often a patch is laid before it is given up, where
// others overtake it.
const patches = 5

// roomState is what of a room its clients write.
type roomState struct {
	Name     string              `json:"name"`
	Settings events.RoomSettings `json:"settings"`
	Metadata json.RawMessage     `json:"metadata,omitempty"`
	Archived bool                `json:"archived,omitempty"`
}

func (s roomState) check() error {
	switch {
	case len(s.Name) > events.MaxName:
		return invalidField("name", fmt.Sprintf("a name has at most %d bytes", events.MaxName))
	case len(s.Metadata) > events.MaxMetadata:
		return invalidField("metadata", fmt.Sprintf("metadata have at most %d bytes", events.MaxMetadata))
	}
	return checkSettings(s.Settings)
}

func (s roomState) content() events.RoomContent {
	return events.RoomContent{Name: s.Name, Metadata: s.Metadata}
}

// PatchRoom changes some of a room. The event has all of it, so the patch is laid
// on the room as it is, and the fold refuses it where that is another by then.
func (s *Server) PatchRoom(c echo.Context, roomName api.RoomID, p api.PatchRoomParams) error {
	var cmd command.Command
	if err := s.beginBare(c, &cmd, roomName, headers{prefer: p.Prefer, position: p.RoomlogPosition}, ""); err != nil {
		return err
	}
	version, err := ifMatch(c)
	if err != nil {
		return err
	}
	patch, err := readPatch(c, &roomState{})
	if err != nil {
		return err
	}
	return untilNotOvertaken(version, func() error { return s.patchRoom(c, cmd, version, patch) })
}

// untilNotOvertaken lays a patch again on what others made of it meanwhile, unless
// the client has named a version.
func untilNotOvertaken(version int, patch func() error) error {
	for tries := 1; ; tries++ {
		err := patch()
		overtaken, ok := errors.AsType[*problem.Error](err)
		if !ok || overtaken.Code != problem.Code(room.CodeVersion) || version != 0 || tries == patches {
			return err
		}
	}
}

// patchRoom lays the patch on the room's present version, which must be the given
// one; zero: any.
func (s *Server) patchRoom(c echo.Context, cmd command.Command, version int, patch []byte) error {
	present, err := s.Reads.Latest(c.Request().Context(), readOf(c, &cmd), cmd.Room)
	switch {
	case err != nil:
		return err
	case !present.Full:
		return problem.Rejected(room.CodeNotAMember)
	case version != 0 && version != present.Version:
		return problem.Rejected(room.CodeVersion)
	}
	content := roomContent(&present.RoomRow)
	state := roomState{content.Name, present.Settings, content.Metadata, present.Archived}
	if err := strictjson.Patch(&state, patch); err != nil {
		return err
	}
	if err := state.check(); err != nil {
		return err
	}
	cmd.Content = state.content()
	cmd.Facts = func(by events.Command) events.Facts {
		return events.RoomUpdated{Command: by, Base: present.Version, Settings: state.Settings, Archived: state.Archived}
	}
	return s.finishRoom(c, &cmd)
}
