package tables

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Members writes members.
var Members = Insert[readmodel.MemberRow]{
	Table: "members",
	Columns: []Column[readmodel.MemberRow]{
		{Name: "tenant", Text: func(m *readmodel.MemberRow) string { return string(m.Tenant) }},
		{Name: "room", Text: func(m *readmodel.MemberRow) string { return string(m.Room) }},
		{Name: "user_id", Text: func(m *readmodel.MemberRow) string { return string(m.User) }},
		{Name: "membership", Text: func(m *readmodel.MemberRow) string { return string(m.Membership) }},
		{Name: "role", Text: func(m *readmodel.MemberRow) string { return string(m.Role) }},
		{Name: "since", Int: func(m *readmodel.MemberRow) int64 { return int64(m.Since) }},
		{Name: "until", Int: func(m *readmodel.MemberRow) int64 { return m.Until }},
		{Name: "invited", Int: func(m *readmodel.MemberRow) int64 { return int64(m.Invited) }},
		{Name: "read_seq", Int: func(m *readmodel.MemberRow) int64 { return int64(m.Read) }},
		{Name: "delivered", Int: func(m *readmodel.MemberRow) int64 { return int64(m.Delivered) }},
		{Name: "last_post", Int: func(m *readmodel.MemberRow) int64 { return m.LastPost }},
		{Name: "muted", Int: func(m *readmodel.MemberRow) int64 { return flag(m.Muted) }},
		{Name: "archived", Int: func(m *readmodel.MemberRow) int64 { return flag(m.Archived) }},
		{Name: "hidden", Int: func(m *readmodel.MemberRow) int64 { return int64(m.Hidden) }},
	},
	Conflict: `ON CONFLICT (tenant, room, user_id) DO UPDATE SET membership = excluded.membership, role = excluded.role,
since = excluded.since, until = excluded.until, invited = excluded.invited, read_seq = excluded.read_seq, delivered = excluded.delivered,
last_post = excluded.last_post, muted = excluded.muted, archived = excluded.archived, hidden = excluded.hidden`,
}

const memberColumns = `m.user_id, m.membership, m.role, m.since, m.until, m.invited, m.read_seq, m.delivered, m.last_post, m.muted = 1, m.archived = 1, m.hidden`

func memberFields(m *room.Member) []any {
	return []any{
		&m.User, &m.Membership, &m.Role, &m.Since, &m.Until, &m.Invited, &m.Read, &m.Delivered, &m.LastPost, &m.Muted, &m.Archived, &m.Hidden,
	}
}

func scanMember(r Row) (room.Member, error) {
	var m room.Member
	err := r.Scan(memberFields(&m)...)
	return m, err
}

// Member reads one member.
func (r Reader) Member(ctx context.Context, k readmodel.Key, u events.UserID) (room.Member, bool, error) {
	if a := r.ahead; a != nil && a.Key == k && a.User == u {
		return a.member.row, a.member.ok, nil
	}
	var f found[room.Member]
	return f.read(ctx, r.q, findMember(&f, k, u))
}

func findMember(f *found[room.Member], k readmodel.Key, u events.UserID) Query {
	return f.find("member", scanMember,
		`SELECT `+memberColumns+` FROM members m WHERE m.tenant = $1 AND m.room = $2 AND m.user_id = $3`,
		string(k.Tenant), string(k.Room), string(u))
}

// Members lists everyone who ever had to do with the room.
func (r Reader) Members(ctx context.Context, k readmodel.Key, after events.UserID, limit int) ([]room.Member, error) {
	return list(ctx, r.q, "members", scanMember, limit,
		`SELECT `+memberColumns+` FROM members m WHERE m.tenant = $1 AND m.room = $2 AND m.user_id > $3 ORDER BY m.user_id LIMIT $4`,
		string(k.Tenant), string(k.Room), string(after), limit)
}
