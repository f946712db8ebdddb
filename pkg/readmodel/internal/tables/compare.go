package tables

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// CheckpointsIn are the checkpoints of a version whose tables are in place: a
// PostgreSQL schema, the name of an attached SQLite file, or "" for the tables
// that the connection has without one.
func CheckpointsIn(ctx context.Context, q Querier, place string) ([]readmodel.Checkpoint, error) {
	return list(ctx, q, "checkpoints", ScanCheckpoint, math.MaxInt,
		`SELECT `+checkpointColumns+` FROM `+in(place, "checkpoints")+` ORDER BY partition`)
}

// SameRooms compares rooms of two versions whose checkpoints do not move
// meanwhile: [readmodel.DiffersError] unless each one of live's has the same
// seqs for the same events in target. The target may have gone further; what it
// has more has to be from at or past live's checkpoints. No rooms: all that there are.
func (d *Dialect) SameRooms(ctx context.Context, q Querier, live, target string, checkpoints []readmodel.Checkpoint, rooms []readmodel.Key) error {
	c := comparison{layout: d.layout, next: map[events.Partition]events.Offset{}}
	for _, p := range checkpoints {
		c.next[p.Partition] = p.Next
	}
	parts := slices.Collect(slices.Chunk(rooms, maxRooms))
	if len(rooms) == 0 {
		parts = [][]readmodel.Key{nil}
	}
	for _, some := range parts {
		if err := c.behind(ctx, q, live, target, some); err != nil {
			return err
		}
		if err := c.ahead(ctx, q, live, target, some); err != nil {
			return err
		}
	}
	if c.differ.Rooms > 0 {
		return &c.differ
	}
	return nil
}

// UnlikeRooms lists the rooms that two versions do not have alike.
func UnlikeRooms(ctx context.Context, q Querier, live, other string) ([]readmodel.Key, error) {
	const alike = ` ON b.tenant = a.tenant AND b.room = a.room AND b.seq = a.seq AND b.digest = a.digest WHERE b.seq IS NULL`
	return list(ctx, q, "rooms that differ", scanKey, math.MaxInt,
		`SELECT a.tenant, a.room FROM `+in(live, "rooms")+` a LEFT JOIN `+in(other, "rooms")+` b`+alike+`
UNION SELECT a.tenant, a.room FROM `+in(other, "rooms")+` a LEFT JOIN `+in(live, "rooms")+` b`+alike)
}

func scanKey(r Row) (k readmodel.Key, err error) {
	return k, r.Scan(&k.Tenant, &k.Room)
}

// maxRooms is the most rooms that one statement names.
const maxRooms = 500

// some begins a statement about some rooms of a table, or all of them, as alias.
func some(rooms []readmodel.Key, place, alias string) (with, from string, args []any) {
	from = in(place, "rooms") + " " + alias
	if len(rooms) == 0 {
		return "", from, nil
	}
	values := make([]string, len(rooms))
	for i, k := range rooms {
		values[i] = fmt.Sprintf("($%d, $%d)", 2*i+1, 2*i+2)
		args = append(args, string(k.Tenant), string(k.Room))
	}
	return "WITH k(tenant, room) AS (VALUES " + strings.Join(values, ", ") + ") ",
		"k JOIN " + from + " ON " + alias + ".tenant = k.tenant AND " + alias + ".room = k.room", args
}

type comparison struct {
	layout Layout
	next   map[events.Partition]events.Offset // of the live version
	differ readmodel.DiffersError
}

func (c *comparison) differs(k readmodel.Key) {
	first := c.differ.First
	if c.differ.Rooms == 0 || k.Tenant < first.Tenant || k.Tenant == first.Tenant && k.Room < first.Room {
		c.differ.First = k
	}
	c.differ.Rooms++
}

// behind looks for rooms that the target lacks, or has less of, or has another
// history of.
func (c *comparison) behind(ctx context.Context, q Querier, live, target string, rooms []readmodel.Key) error {
	with, from, args := some(rooms, live, "a")
	return each(ctx, q, "rooms that differ", with+`SELECT a.tenant, a.room FROM `+from+`
LEFT JOIN `+in(target, "rooms")+` b ON b.tenant = a.tenant AND b.room = a.room
WHERE b.seq IS NULL OR b.seq < a.seq OR b.seq = a.seq AND b.digest <> a.digest`, args, func(r Row) error {
		k, err := scanKey(r)
		c.differs(k)
		return err
	})
}

// chain is a room of which the target has more: its digest has to follow from
// the live one and the target's events since.
type chain struct {
	readmodel.Key
	digest string // so far
	want   string // in the end
	broken bool   // an event is from before the live checkpoint
}

// ahead looks at the rooms of which the target has more than the live version.
func (c *comparison) ahead(ctx context.Context, q Querier, live, target string, rooms []readmodel.Key) error {
	var last *chain
	finish := func() {
		if last != nil && (last.broken || last.digest != last.want) {
			c.differs(last.Key)
		}
	}
	with, from, args := some(rooms, target, "b")
	err := each(ctx, q, "rooms that have gone further", with+`SELECT b.tenant, b.room, COALESCE(a.digest, ''), b.digest,
COALESCE(e.seq, 0), COALESCE(e.event_id, ''), COALESCE(e.partition, 0), COALESCE(e.log_offset, 0)
FROM `+from+`
LEFT JOIN `+in(live, "rooms")+` a ON a.tenant = b.tenant AND a.room = b.room
LEFT JOIN `+in(target, "events")+` e ON `+c.layout.within("e", roomBy("b"), "> COALESCE(a.seq, 0)")+`
WHERE b.seq > COALESCE(a.seq, 0)
ORDER BY b.tenant, b.room, e.seq`, args, func(r Row) error {
		var next chain
		var seq events.Seq
		var id events.EventID
		var p events.Partition
		var o events.Offset
		if err := r.Scan(&next.Tenant, &next.Room, &next.digest, &next.want, &seq, &id, &p, &o); err != nil {
			return err
		}
		if last == nil || last.Key != next.Key {
			finish()
			last = &next
		}
		last.digest = room.NextDigest(last.digest, seq, id)
		last.broken = last.broken || o < c.next[p]
		return nil
	})
	finish()
	return err
}

func in(place, table string) string {
	if place == "" {
		return table
	}
	return place + "." + table
}
