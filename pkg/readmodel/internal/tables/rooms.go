package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/roomlog/roomlog/pkg/events"
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
		{Name: "seq", Int: func(h *room.Header) int64 { return int64(h.Seq) }},
		{Name: "digest", Text: func(h *room.Header) string { return h.Digest }},
		{Name: "content_seq", Int: func(h *room.Header) int64 { return int64(h.ContentSeq) }},
		{Name: "last_message", Int: func(h *room.Header) int64 { return int64(h.LastMessage) }},
		{Name: "members", Int: func(h *room.Header) int64 { return h.Members }},
		{Name: "created", Int: func(h *room.Header) int64 { return h.Created }},
		{Name: "log_time", Int: func(h *room.Header) int64 { return h.LogTime }},
	},
	Conflict: `ON CONFLICT (tenant, room) DO UPDATE SET kind = excluded.kind, rules = excluded.rules,
creator = excluded.creator, settings = excluded.settings, seq = excluded.seq, digest = excluded.digest, content_seq = excluded.content_seq,
last_message = excluded.last_message, members = excluded.members, created = excluded.created, log_time = excluded.log_time`,
}

const headerColumns = `r.tenant, r.room, r.kind, r.rules, r.creator, r.settings, r.seq, r.digest, r.content_seq, r.last_message, r.members, r.created, r.log_time`

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
	return []any{&h.Tenant, &h.Room, &h.Kind, &h.Rules, &h.Creator, &s.settings, &h.Seq, &h.Digest, &h.ContentSeq, &h.LastMessage, &h.Members, &h.Created, &h.LogTime}
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
	return one(ctx, r.q, "room", scanRoom,
		`SELECT `+headerColumns+`, COALESCE(c.content, '{}')
FROM rooms r LEFT JOIN events c ON c.tenant = r.tenant AND c.room = r.room AND c.seq = r.content_seq
WHERE r.tenant = $1 AND r.room = $2`, string(k.Tenant), string(k.Room))
}

func scanUserRoom(r Row) (readmodel.UserRoom, error) {
	var s headerScan
	var row readmodel.UserRoom
	to := append(s.fields(), &row.Content, &row.Membership, &row.Role, &row.Since)
	if err := r.Scan(append(to, eventFields(&row.Last)...)...); err != nil {
		return row, err
	}
	var err error
	if row.Header, err = s.header(); err != nil {
		return row, err
	}
	if row.Last.Seq == 0 {
		row.Last = readmodel.EventRow{}
	}
	return row, nil
}

// roomsOf cuts the list before it fetches names and last messages.
const roomsOf = `SELECT ` + headerColumns + `, COALESCE(c.content, '{}'), r.membership, r.role, r.since, ` + optionalEventColumns + `
FROM (
	SELECT r.*, m.membership, m.role, m.since
	FROM members m
	CROSS JOIN rooms r
	WHERE ` + byUser + ` AND m.membership IN ('join', 'invite')
		AND r.tenant = m.tenant AND r.room = m.room
		AND (r.log_time < $3 OR r.log_time = $3 AND r.room > $4)
	ORDER BY r.log_time DESC, r.room
	LIMIT $5
) r
LEFT JOIN events c ON c.tenant = r.tenant AND c.room = r.room AND c.seq = r.content_seq
LEFT JOIN events e ON e.tenant = r.tenant AND e.room = r.room AND e.seq = r.last_message
ORDER BY r.log_time DESC, r.room`

// RoomsOf lists a person's rooms; those with one log time ascend by id.
func (r Reader) RoomsOf(ctx context.Context, t events.Tenant, u events.UserID, after readmodel.RoomCursor, limit int) ([]readmodel.UserRoom, error) {
	if after == (readmodel.RoomCursor{}) {
		after.LogTime = math.MaxInt64
	}
	return list(ctx, r.q, "rooms of a user", scanUserRoom, limit, roomsOf,
		string(t), string(u), after.LogTime, string(after.Room), limit)
}
