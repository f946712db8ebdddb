package tables

import (
	"context"
	"math"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// roomsOf cuts the list before it fetches names and last messages and counts what
// is unread: $1 tenant, $2 user, $3 and $4 the cursor, $5 limit, $6 archived. p is
// the page, with the seq past which things count.
//
// Messages outside of threads are counted by what the room had then and has now,
// without those that were redacted since. Mentions have a row for each, until
// they are redacted; those of everyone are not for who wrote them.
var roomsOf = `SELECT ` + headerColumns + `, COALESCE(c.content, '{}'), ` + memberColumns + `,
r.messages
	- COALESCE((SELECT b.messages FROM events b WHERE b.tenant = p.tenant AND b.room = p.room AND b.seq = p.base), 0)
	- (SELECT COUNT(*) FROM events x WHERE ('r/' || x.tenant || '/' || x.room) = ('r/' || p.tenant || '/' || p.room)
		AND x.redacted > 0 AND x.type = 'message.posted' AND x.thread_root = '' AND x.seq > p.base),
(SELECT COUNT(*) FROM mentions n WHERE ('m/' || n.tenant || '/' || n.room) = ('m/' || p.tenant || '/' || p.room)
	AND n.user_id = p.user_id AND n.seq > p.base)
	+ (SELECT COUNT(*) FROM mentions n CROSS JOIN events x WHERE ('m/' || n.tenant || '/' || n.room) = ('m/' || p.tenant || '/' || p.room)
		AND n.user_id = '` + everyone + `' AND n.seq > p.base
		AND x.tenant = n.tenant AND x.room = n.room AND x.seq = n.seq AND x.sender <> p.user_id),
` + Events.outer("e") + ", " + stateColumns + `
FROM (
	SELECT r.tenant, r.room, r.log_time, m.user_id,
		CASE WHEN r.history IN ('', 'all') OR m.since < m.read_seq THEN m.read_seq ELSE m.since END AS base
	FROM members m
	CROSS JOIN rooms r
	WHERE ` + byUser + ` AND m.membership IN ('join', 'invite') AND m.archived = $6
		AND r.tenant = m.tenant AND r.room = m.room AND r.deleted = 0 AND (m.hidden = 0 OR r.last_message > m.hidden)
		AND (r.log_time < $3 OR r.log_time = $3 AND r.room > $4)
	ORDER BY r.log_time DESC, r.room
	LIMIT $5
) p
CROSS JOIN rooms r
CROSS JOIN members m
LEFT JOIN events c ON c.tenant = r.tenant AND c.room = r.room AND c.seq = r.content_seq
LEFT JOIN events e ON e.tenant = r.tenant AND e.room = r.room AND e.seq = r.last_message
` + withState + `
WHERE r.tenant = p.tenant AND r.room = p.room AND m.tenant = p.tenant AND m.room = p.room AND m.user_id = p.user_id
ORDER BY p.log_time DESC, p.room`

func scanUserRoom(r Row) (readmodel.UserRoom, error) {
	var s headerScan
	var last messageScan
	var row readmodel.UserRoom
	to := append(s.fields(), &row.Content)
	to = append(append(to, memberFields(&row.Member)...), &row.Unread, &row.Mentions)
	if err := r.Scan(append(to, last.fields()...)...); err != nil {
		return row, err
	}
	// Redacted messages from before the room's messages were counted.
	row.Unread = max(row.Unread, 0)
	var err error
	if row.Header, err = s.header(); err != nil {
		return row, err
	}
	row.Last, err = last.row()
	return row, err
}

// RoomsOf lists a person's rooms; those with one log time ascend by id.
func (r Reader) RoomsOf(ctx context.Context, t events.Tenant, u events.UserID, archived bool, after readmodel.RoomCursor, limit int) ([]readmodel.UserRoom, error) {
	if after == (readmodel.RoomCursor{}) {
		after.LogTime = math.MaxInt64
	}
	rows, err := list(ctx, r.q, "rooms of a user", scanUserRoom, limit, roomsOf,
		string(t), string(u), after.LogTime, string(after.Room), limit, flag(archived))
	if err != nil {
		return nil, err
	}
	return rows, r.edited(ctx, len(rows), func(i int) *readmodel.MessageRow { return &rows[i].Last })
}
