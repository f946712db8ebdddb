package tables

import (
	"encoding/json"
	"fmt"

	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// States writes what became of messages.
var States = Insert[readmodel.StateRow]{
	Table: "message_states",
	Columns: []Column[readmodel.StateRow]{
		{Name: "tenant", Text: func(s *readmodel.StateRow) string { return string(s.Tenant) }},
		{Name: "room", Text: func(s *readmodel.StateRow) string { return string(s.Room) }},
		{Name: "seq", Int: func(s *readmodel.StateRow) int64 { return int64(s.Seq) }},
		{Name: "edits", Int: func(s *readmodel.StateRow) int64 { return int64(s.Edits) }},
		{Name: "edit", Int: func(s *readmodel.StateRow) int64 { return int64(s.Edit) }},
		{Name: "replies", Int: func(s *readmodel.StateRow) int64 { return s.Replies }},
		{Name: "last_reply", Int: func(s *readmodel.StateRow) int64 { return int64(s.LastReply) }},
		{Name: "pinned", Int: func(s *readmodel.StateRow) int64 { return int64(s.Pinned) }},
		{Name: "reactions", Text: func(s *readmodel.StateRow) string { return reactionsText(s.Reactions) }},
	},
	Conflict: `ON CONFLICT (tenant, room, seq) DO UPDATE SET edits = excluded.edits, edit = excluded.edit, replies = excluded.replies,
last_reply = excluded.last_reply, pinned = excluded.pinned, reactions = excluded.reactions`,
}

// stateColumns are of a state s, or the zero state where there is none.
const stateColumns = `COALESCE(s.edits, 0), COALESCE(s.edit, 0), COALESCE(s.replies, 0), COALESCE(s.last_reply, 0), COALESCE(s.pinned, 0), COALESCE(s.reactions, '')`

func stateFields(s *room.MessageState, reactions *string) []any {
	return []any{&s.Edits, &s.Edit, &s.Replies, &s.LastReply, &s.Pinned, reactions}
}

func scanState(r Row) (s stateRow, err error) {
	var reactions string
	if err = r.Scan(append([]any{(*int64)(&s.seq)}, stateFields(&s.MessageState, &reactions)...)...); err == nil {
		err = scanReactions(reactions, &s.MessageState)
	}
	return s, err
}

// noReactions is what most messages have, so it is written and read without JSON.
const noReactions = "[]"

func reactionsText(counts []room.ReactionCount) string {
	if len(counts) == 0 {
		return noReactions
	}
	b, err := json.Marshal(counts)
	if err != nil {
		panic(err) // keys and numbers
	}
	return string(b)
}

// scanReactions reads the counts into a state.
func scanReactions(text string, s *room.MessageState) error {
	if text == "" || text == noReactions {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &s.Reactions); err != nil {
		return fmt.Errorf("reactions: %w", err)
	}
	return nil
}
