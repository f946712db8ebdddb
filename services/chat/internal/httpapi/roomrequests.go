package httpapi

import (
	"fmt"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/services/chat/internal/api"
)

// roomRequest, directRequest and rulesRequest are the bodies of commands to a room.
type (
	roomRequest   struct{ api.RoomRequest }
	directRequest struct{ api.DirectRequest }
	rulesRequest  struct{ api.RulesRequest }
)

func (b *roomRequest) into() (any, string)   { return &b.RoomRequest, "kind" }
func (b *directRequest) into() (any, string) { return &b.DirectRequest, "" }
func (b *rulesRequest) into() (any, string)  { return &b.RulesRequest, "rules" }

func (b *roomRequest) key() string   { return "" }
func (b *directRequest) key() string { return "" }
func (b *rulesRequest) key() string  { return "" }

func (b *roomRequest) check() error {
	if kind := events.RoomKind(b.Kind); kind != events.RoomPublic && kind != events.RoomPrivate {
		return invalidField("kind", "kind is public or private")
	}
	return roomState{Name: b.Name, Settings: b.Settings, Metadata: b.Metadata}.check()
}

func (b *roomRequest) facts(by events.Command) events.Facts {
	return events.RoomCreated{Command: by, Kind: events.RoomKind(b.Kind), Rules: room.Rules, Settings: b.Settings}
}

func (b *roomRequest) content() events.RoomContent {
	return events.RoomContent{Name: b.Name, Metadata: b.Metadata}
}

func (b *directRequest) check() error {
	return roomState{Settings: b.Settings, Metadata: b.Metadata}.check()
}

func (b *rulesRequest) check() error {
	if b.Rules < 1 || b.Rules > room.Rules {
		return invalidField("rules", fmt.Sprintf("rules are 1 to %d", room.Rules))
	}
	return nil
}

// checkSettings names what in them the fold would reject.
func checkSettings(s events.RoomSettings) error {
	switch {
	case s.MaxMessageLength < 0 || s.MaxMessageLength > events.MaxText:
		return invalidField("settings.max_message_length", fmt.Sprintf("this is 0 to %d", events.MaxText))
	case s.SlowMode < 0 || s.SlowMode > events.MaxSlowMode:
		return invalidField("settings.slow_mode", fmt.Sprintf("this is 0 to %d seconds", events.MaxSlowMode))
	}
	switch s.History {
	case "", events.HistoryAll, events.HistoryInvited, events.HistoryJoined:
	default:
		return invalidField("settings.history", "history is all, invited or joined")
	}
	switch s.ReadMarks {
	case "", events.ReadMarksPrivate, events.ReadMarksShared:
	default:
		return invalidField("settings.read_marks", "read marks are private or shared")
	}
	for _, do := range room.Actions() {
		if !isRole(room.Needed(do, s.Permissions)) {
			return invalidField("settings.permissions."+string(do), roles)
		}
	}
	return nil
}

// roles says which there are.
const roles = "role is owner, moderator, member or guest"

func isRole(r events.Role) bool {
	switch r {
	case events.RoleOwner, events.RoleModerator, events.RoleMember, events.RoleGuest:
		return true
	}
	return false
}
