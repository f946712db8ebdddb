package tables

import (
	"context"
	"math"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

const (
	// fewRooms is how many rooms of a person are looked at one by one: with more of them
	// the latest of all rooms are looked at first, and no more than latestRooms.
	fewRooms, latestRooms = 300, 1000

	// countRooms counts a person's rooms as far as $3.
	countRooms = `SELECT COUNT(*) FROM (SELECT 1 AS one FROM members m WHERE ` + byUser + ` AND m.membership IN ('join', 'invite') LIMIT $3) c`

	// ofPerson looks at all rooms of a person, latest at the latest of all: each gives
	// a page. $1 is the tenant, $2 the user, $3 and $4 the cursor, $5 the limit, $6
	// says whether those archived are listed; $7 how many of the latest are looked at.
	ofPerson = `SELECT r.tenant, r.room, r.log_time, m.user_id
	FROM members m
	CROSS JOIN rooms r
	WHERE ` + byUser + ` AND m.membership IN ('join', 'invite') AND r.tenant = m.tenant AND r.room = m.room AND r.deleted = 0
		AND ` + listed + ` AND ` + afterCursor + `
	ORDER BY r.log_time DESC, r.room
	LIMIT $5`

	latest = `SELECT r.tenant, r.room, r.log_time, m.user_id
	FROM (
		SELECT r.tenant, r.room, r.log_time, r.last_message FROM rooms r WHERE ` + byActivity + ` AND ` + afterCursor + `
		ORDER BY r.log_time DESC, r.room
		LIMIT $7
	) r
	CROSS JOIN members m
	WHERE m.tenant = r.tenant AND m.room = r.room AND m.user_id = $2 AND m.membership IN ('join', 'invite') AND ` + listed + `
	ORDER BY r.log_time DESC, r.room
	LIMIT $5`

	afterCursor = `r.log_time <= $3 AND (r.log_time < $3 OR r.room > $4)`

	// listed says whether a room is on the list: what a person said of it before they
	// left does not hide an invitation.
	listed = `(m.membership = 'invite' AND $6 = 0
		OR m.membership = 'join' AND m.archived = $6 AND (m.hidden = 0 OR r.last_message > m.hidden))`

	// readUpTo is the seq past which things count.
	readUpTo = `CASE WHEN r.history IN ('', 'all') OR m.since < m.read_seq THEN m.read_seq ELSE m.since END`
)

type personStatements struct{ rooms, latest, heads string }

func newPersonStatements(l Layout) personStatements {
	return personStatements{rooms: roomsOf(l, ofPerson), latest: roomsOf(l, latest), heads: heads(l)}
}

// RoomsLatest lists those of a person's rooms that are among the latest of all.
func (d *Dialect) RoomsLatest() string { return d.persons.latest }

// roomsOf shows a page p of rooms: it fetches names and last messages and counts what
// is unread.
//
// Messages outside of threads are counted by what the room had then and has now,
// without those that were redacted since. Mentions have a row for each, until
// they are redacted; those of everyone are not for who wrote them.
func roomsOf(l Layout, p string) string {
	of := roomBy("r")
	return `SELECT ` + headerColumns + `, COALESCE(c.content, '{}'), ` + memberColumns + `,
r.messages
	- COALESCE((SELECT b.messages FROM events b WHERE ` + l.at("b", of, readUpTo) + `), 0)
	- (SELECT COUNT(*) FROM events x WHERE ` + l.indexed("x", "r", of) + `
		AND x.redacted > 0 AND x.type = 'message.posted' AND x.thread_root = '' AND x.seq > ` + readUpTo + `),
(SELECT COUNT(*) FROM mentions n WHERE ('m/' || n.tenant || '/' || n.room) = ('m/' || r.tenant || '/' || r.room)
	AND n.user_id = m.user_id AND n.seq > ` + readUpTo + `)
	+ (SELECT COUNT(*) FROM mentions n CROSS JOIN events x WHERE ('m/' || n.tenant || '/' || n.room) = ('m/' || r.tenant || '/' || r.room)
		AND n.user_id = '` + everyone + `' AND n.seq > ` + readUpTo + `
		AND ` + l.at("x", roomRef{"n.tenant", "n.room", of.number}, "n.seq") + ` AND x.sender <> m.user_id),
` + shown.outer("e") + ", " + stateColumns + `
FROM (
	` + p + `
) p
CROSS JOIN rooms r
CROSS JOIN members m
LEFT JOIN events c ON ` + l.at("c", of, "r.content_seq") + `
LEFT JOIN events e ON ` + l.at("e", of, "r.last_message") + `
` + l.withState(of) + `
WHERE r.tenant = p.tenant AND r.room = p.room AND m.tenant = p.tenant AND m.room = p.room AND m.user_id = p.user_id
ORDER BY p.log_time DESC, p.room`
}

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
	if last.Seq > 0 {
		last.Key = readmodel.Key{Tenant: row.Tenant, Room: row.Room}
	}
	row.Last, err = last.row()
	return row, err
}

// RoomsOf lists a person's rooms; those with one log time ascend by id.
func (r Reader) RoomsOf(ctx context.Context, t events.Tenant, u events.UserID, archived bool, after readmodel.RoomCursor, limit int) ([]readmodel.UserRoom, error) {
	if after == (readmodel.RoomCursor{}) {
		after.LogTime = math.MaxInt64
	}
	rows, err := r.roomsOf(ctx, limit, []any{string(t), string(u), after.LogTime, string(after.Room), limit, flag(archived)})
	if err != nil {
		return nil, err
	}
	return rows, r.edited(ctx, len(rows), func(i int) *readmodel.MessageRow { return &rows[i].Last })
}

func (r Reader) roomsOf(ctx context.Context, limit int, args []any) ([]readmodel.UserRoom, error) {
	const what = "rooms of a user"
	scanCount := func(row Row) (n int, err error) { err = row.Scan(&n); return n, err }
	n, _, err := one(ctx, r.q, what, scanCount, countRooms, args[0], args[1], fewRooms)
	if err != nil {
		return nil, err
	}
	if n == fewRooms {
		rows, err := list(ctx, r.q, what, scanUserRoom, limit, r.dialect.persons.latest, append(args, latestRooms)...)
		if err != nil || len(rows) == limit {
			return rows, err
		}
	}
	return list(ctx, r.q, what, scanUserRoom, limit, r.dialect.persons.rooms, args...)
}
