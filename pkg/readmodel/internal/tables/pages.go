package tables

// A room's messages are found without an index of them. Each event has what the room had
// come to with it: its last message, how many were posted, and until when they were sent,
// none of which ever goes back. So the first event that has enough of one, which is a
// message, is found by halving: twenty lookups among a million events. And the message
// before another is the last one that the event just below it has. What lies between
// messages, a hundred thousand joins say, is not looked at.
//
// The lookups are subqueries by the whole key: a planner has nothing to choose.

type pageStatements struct {
	// below is a page of the last messages below $3, above one of the first above $3, which
	// is not negative; of are the events e of a page p. All begin statements.
	below, above, of string
	// firstSent is the first message that was sent at $3 or later.
	firstSent string
}

// lookup gives something of the event e with a seq, in the room of $1 and $2.
type lookup func(what, seq string) string

// halving begins a statement that finds an event: its seq is [sought]. begin selects one
// row or none: the event is among the first width ones above the seq below, and short says
// of an event e that it comes before, where k.goal is what there has to be enough of.
func (l lookup) halving(begin, short string) string {
	return `WITH RECURSIVE seek(below, width, goal) AS (
	` + begin + `
	UNION ALL
	SELECT k.below + CASE WHEN ` + l(short, "k.below + k.width / 2") + ` THEN k.width / 2 ELSE 0 END, k.width - k.width / 2, k.goal
	FROM seek k WHERE k.width > 1
)`
}

// page goes on with the seqs of $4 messages, from the message last down. The lowest one may
// be at the seq above or below it, or zero.
func (l lookup) page(last, above string) string {
	return `page(tenant, room, seq, rest) AS (
	SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), ` + last + `, CAST($4 AS BIGINT)
	UNION ALL
	SELECT p.tenant, p.room, ` + l("e.last_message", "p.seq - 1") + `, p.rest - 1 FROM page p WHERE p.rest > 1 AND p.seq > ` + above + `
)
`
}

const sought = `SELECT k.below + 1 FROM seek k WHERE k.width = 1`

func newPageStatements(l Layout) pageStatements {
	at := lookup(func(what, seq string) string {
		return `(SELECT ` + what + ` FROM events e WHERE ` + l.at("e", given, seq) + `)`
	})
	return pageStatements{
		below: `WITH RECURSIVE ` + at.page(`COALESCE(`+at("e.last_message", "CAST($3 AS BIGINT) - 1")+`, (SELECT r.last_message FROM rooms r WHERE r.tenant = $1 AND r.room = $2))`, "0"),

		// Down from the message with which there are enough, or the room's last.
		above: at.halving(`SELECT CAST($3 AS BIGINT), r.last_message - $3, COALESCE(`+at("e.posted", "$3")+`, 0) + $4
	FROM rooms r WHERE r.tenant = $1 AND r.room = $2 AND r.last_message > $3`, "e.posted < k.goal") + ",\n" + at.page("("+sought+")", "$3"),

		// A planner does not see that all are of one room, so it does not walk through that.
		of: l.at("e", roomRef{"p.tenant", "p.room", given.numbered()}, "p.seq"),

		firstSent: at.halving(`SELECT CAST(0 AS BIGINT), r.last_message, CAST($3 AS BIGINT)
	FROM rooms r WHERE r.tenant = $1 AND r.room = $2 AND r.posted > 0 AND r.sent_until >= $3`, "e.posted = 0 OR e.sent_until < k.goal") + "\n" + sought,
	}
}
