package tables

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Rooms writes headers.
var Rooms = Insert[room.Header]{
	Table: "rooms",
	Columns: []Column[room.Header]{
		{Name: "tenant", Text: func(h *room.Header) string { return string(h.Tenant) }},
		{Name: "room", Text: func(h *room.Header) string { return string(h.Room) }},
		{Name: "kind", Text: func(h *room.Header) string { return string(h.Kind) }},
		{Name: "rules", Int: func(h *room.Header) int64 { return int64(h.Rules) }},
		{Name: "creator", Text: func(h *room.Header) string { return string(h.Creator) }},
		{Name: "settings", Text: settingsText},
		{Name: "history", Text: func(h *room.Header) string { return string(h.Settings.History) }},
		{Name: "seq", Int: func(h *room.Header) int64 { return int64(h.Seq) }},
		{Name: "digest", Text: func(h *room.Header) string { return h.Digest }},
		{Name: "version", Int: func(h *room.Header) int64 { return int64(h.Version) }},
		{Name: "content_seq", Int: func(h *room.Header) int64 { return int64(h.ContentSeq) }},
		{Name: "last_message", Int: func(h *room.Header) int64 { return int64(h.LastMessage) }},
		{Name: "messages", Int: func(h *room.Header) int64 { return h.Messages }},
		{Name: "posted", Int: func(h *room.Header) int64 { return h.Posted }},
		{Name: "sent_until", Int: func(h *room.Header) int64 { return h.SentUntil }},
		{Name: "archived", Int: func(h *room.Header) int64 { return flag(h.Archived) }},
		{Name: "deleted", Int: func(h *room.Header) int64 { return flag(h.Deleted) }},
		{Name: "members", Int: func(h *room.Header) int64 { return h.Members }},
		{Name: "created", Int: func(h *room.Header) int64 { return h.Created }},
		{Name: "log_time", Int: func(h *room.Header) int64 { return h.LogTime }},
	},
	Conflict: `ON CONFLICT (tenant, room) DO UPDATE SET kind = excluded.kind, rules = excluded.rules,
creator = excluded.creator, settings = excluded.settings, history = excluded.history, seq = excluded.seq, digest = excluded.digest,
version = excluded.version, content_seq = excluded.content_seq, last_message = excluded.last_message, messages = excluded.messages,
posted = excluded.posted, sent_until = excluded.sent_until, archived = excluded.archived, deleted = excluded.deleted, members = excluded.members, created = excluded.created, log_time = excluded.log_time`,
}

const headerColumns = `r.tenant, r.room, r.kind, r.rules, r.creator, r.settings, r.seq, r.digest, r.version, r.content_seq, r.last_message, r.messages, r.posted, r.sent_until,
r.archived = 1, r.deleted = 1, r.members, r.created, r.log_time`

func settingsText(h *room.Header) string {
	b, err := json.Marshal(h.Settings)
	if err != nil {
		panic(err) // a struct of plain fields
	}
	return string(b)
}

// headerScan collects a header's columns.
type headerScan struct {
	room.Header
	settings string
}

func (s *headerScan) fields() []any {
	h := &s.Header
	return []any{
		&h.Tenant, &h.Room, &h.Kind, &h.Rules, &h.Creator, &s.settings, &h.Seq, &h.Digest, &h.Version, &h.ContentSeq, &h.LastMessage, &h.Messages, &h.Posted, &h.SentUntil,
		&h.Archived, &h.Deleted, &h.Members, &h.Created, &h.LogTime,
	}
}

func (s *headerScan) header() (room.Header, error) {
	if err := json.Unmarshal([]byte(s.settings), &s.Settings); err != nil {
		return room.Header{}, fmt.Errorf("settings of room %s/%s: %w", s.Tenant, s.Room, err)
	}
	return s.Header, nil
}

func scanHeader(r Row) (room.Header, error) {
	var s headerScan
	if err := r.Scan(s.fields()...); err != nil {
		return room.Header{}, err
	}
	return s.header()
}

func scanRoom(r Row) (readmodel.RoomRow, error) {
	var s headerScan
	var row readmodel.RoomRow
	if err := r.Scan(append(s.fields(), &row.Content)...); err != nil {
		return row, err
	}
	var err error
	row.Header, err = s.header()
	return row, err
}

// Room reads a header and its content.
func (r Reader) Room(ctx context.Context, k readmodel.Key) (readmodel.RoomRow, bool, error) {
	if a := r.ahead; a != nil && a.Key == k {
		return a.room.row, a.room.ok, nil
	}
	var f found[readmodel.RoomRow]
	return f.read(ctx, r.q, findRoom(r.dialect, &f, k))
}

func newRoomStatement(l Layout) string {
	return `SELECT ` + headerColumns + `, COALESCE(c.content, '{}')
FROM rooms r LEFT JOIN events c ON ` + l.at("c", roomBy("r").unseen(), "r.content_seq") + `
WHERE r.tenant = $1 AND r.room = $2`
}

func findRoom(d *Dialect, f *found[readmodel.RoomRow], k readmodel.Key) Query {
	return f.find("room", scanRoom, d.room, string(k.Tenant), string(k.Room))
}
