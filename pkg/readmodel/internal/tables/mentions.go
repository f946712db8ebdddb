package tables

import (
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// everyone stands for all people of a room; no user has that id.
const everyone = "*"

// Mention is a person whom a message mentions, or everyone.
type Mention struct {
	readmodel.Key
	Seq  events.Seq
	User events.UserID
}

// Mentions writes whom messages mention.
var Mentions = Insert[Mention]{
	Table: "mentions",
	Columns: []Column[Mention]{
		{Name: "tenant", Text: func(m *Mention) string { return string(m.Tenant) }},
		{Name: "room", Text: func(m *Mention) string { return string(m.Room) }},
		{Name: "seq", Int: func(m *Mention) int64 { return int64(m.Seq) }},
		{Name: "user_id", Text: func(m *Mention) string { return string(m.User) }},
	},
}

// Unmentions deletes the mentions that messages had.
var Unmentions = Delete[readmodel.MentionRow]{
	Table: Mentions.Table,
	Columns: []Column[readmodel.MentionRow]{
		{Name: "tenant", Text: func(m *readmodel.MentionRow) string { return string(m.Tenant) }},
		{Name: "room", Text: func(m *readmodel.MentionRow) string { return string(m.Key.Room) }},
		{Name: "seq", Int: func(m *readmodel.MentionRow) int64 { return int64(m.Seq) }},
	},
}

// Mentioned gives a row for each mention. A message that mentions everyone has
// that one alone, so that it counts once for each person.
func Mentioned(rows []readmodel.MentionRow) []Mention {
	var out []Mention
	for _, m := range rows {
		users := m.Users
		if m.Mentions.Room {
			users = []events.UserID{everyone}
		}
		for _, u := range users {
			out = append(out, Mention{Key: m.Key, Seq: m.Seq, User: u})
		}
	}
	return out
}
