package tables

import (
	"cmp"
	"context"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

func heads(l Layout) string {
	return `SELECT r.room, e.partition, r.deleted = 1, r.members, e.log_offset, m.membership, m.since, s.log_offset, COALESCE(d.log_offset, -1)
FROM members m
CROSS JOIN rooms r
CROSS JOIN events e
CROSS JOIN events s
LEFT JOIN dead_letters d ON d.tenant = r.tenant AND d.room = r.room AND d.partition = e.partition AND d.code <> ''
WHERE ` + byUser + `
	AND r.tenant = m.tenant AND r.room = m.room
	AND ` + l.at("e", roomBy("r"), "r.seq") + `
	AND ` + l.at("s", roomRef{"m.tenant", "m.room", "r.number"}, "m.since")
}

// Heads joins each of a user's rooms with its last event and the one that made the
// user what they are.
func (r Reader) Heads(ctx context.Context, t events.Tenant, u events.UserID) ([]readmodel.Head, error) {
	out := []readmodel.Head{}
	err := each(ctx, r.q, "heads", r.dialect.persons.heads, []any{string(t), string(u)}, func(row Row) error {
		var h readmodel.Head
		err := row.Scan(&h.Room, &h.Partition, &h.Deleted, &h.Members, &h.Last, &h.Membership, &h.Since, &h.SinceOffset, &h.Blocked)
		out = append(out, h)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b readmodel.Head) int { return cmp.Compare(a.Room, b.Room) })
	return out, nil
}

// SeqBefore goes back from the room's end: a room's offsets ascend with its seqs.
func (r Reader) SeqBefore(ctx context.Context, k readmodel.Key, o events.Offset) (events.Seq, error) {
	seq, _, err := one(ctx, r.q, "seq before an offset", func(row Row) (seq events.Seq, err error) {
		err = row.Scan(&seq)
		return seq, err
	}, r.dialect.events.before, string(k.Tenant), string(k.Room), int64(o))
	return seq, err
}
