package tables

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Reactions writes reactions; Unreactions deletes those that were removed.
var (
	Reactions = Insert[readmodel.ReactionRow]{
		Table: "reactions",
		Columns: []Column[readmodel.ReactionRow]{
			{Name: "tenant", Text: func(x *readmodel.ReactionRow) string { return string(x.Tenant) }},
			{Name: "room", Text: func(x *readmodel.ReactionRow) string { return string(x.Room) }},
			{Name: "user_id", Text: func(x *readmodel.ReactionRow) string { return string(x.User) }},
			{Name: "seq", Int: func(x *readmodel.ReactionRow) int64 { return int64(x.Seq) }},
			{Name: "key", Text: func(x *readmodel.ReactionRow) string { return x.ReactionID.Key }},
		},
		// Removed and added again within a batch.
		Conflict: `ON CONFLICT (tenant, room, user_id, seq, key) DO NOTHING`,
	}
	Unreactions = Delete[readmodel.ReactionRow]{Table: Reactions.Table, Columns: Reactions.Columns}
)

// Reacted parts those that were removed from those that are there.
func Reacted(rows []readmodel.ReactionRow) (removed, added []readmodel.ReactionRow) {
	for _, x := range rows {
		if x.Removed {
			removed = append(removed, x)
		} else {
			added = append(added, x)
		}
	}
	return removed, added
}

// Reacted gives one person's reactions to a run of messages.
func (r Reader) Reacted(ctx context.Context, k readmodel.Key, u events.UserID, from, to events.Seq) (map[events.Seq][]string, error) {
	keys := map[events.Seq][]string{}
	err := each(ctx, r.q, "reactions", `SELECT x.seq, x.key FROM reactions x
WHERE x.tenant = $1 AND x.room = $2 AND x.user_id = $3 AND x.seq >= $4 AND x.seq <= $5 ORDER BY x.seq, x.key`,
		[]any{string(k.Tenant), string(k.Room), string(u), int64(from), int64(to)}, func(r Row) error {
			var seq events.Seq
			var key string
			err := r.Scan(&seq, &key)
			keys[seq] = append(keys[seq], key)
			return err
		})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// Reactors lists who reacted to a message with a key.
func (r Reader) Reactors(ctx context.Context, k readmodel.Key, message events.Seq, key string, after events.UserID, limit int) ([]events.UserID, error) {
	scan := func(r Row) (u events.UserID, err error) { err = r.Scan(&u); return u, err }
	return list(ctx, r.q, "who reacted", scan, limit,
		`SELECT x.user_id FROM reactions x WHERE `+byKey+` AND x.seq = $3 AND x.key = $4 AND x.user_id > $5 ORDER BY x.user_id LIMIT $6`,
		string(k.Tenant), string(k.Room), int64(message), key, string(after), limit)
}
