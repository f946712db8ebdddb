package tables

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// BadRecords writes records that are no events; one that is there stays.
var BadRecords = Insert[readmodel.BadRecord]{
	Table: "bad_records",
	Columns: []Column[readmodel.BadRecord]{
		{Name: "partition", Int: func(b *readmodel.BadRecord) int64 { return int64(b.Partition) }},
		{Name: "log_offset", Int: func(b *readmodel.BadRecord) int64 { return int64(b.Offset) }},
		{Name: "log_time", Int: func(b *readmodel.BadRecord) int64 { return b.LogTime }},
		{Name: "reason", Text: func(b *readmodel.BadRecord) string { return clean(b.Reason) }},
		{Name: "size", Int: func(b *readmodel.BadRecord) int64 { return int64(b.Size) }},
	},
	Conflict: `ON CONFLICT (partition, log_offset) DO NOTHING`,
}

// DeadLetters writes parked records; one that is there stays.
var DeadLetters = Insert[readmodel.DeadLetter]{
	Table: "dead_letters",
	Columns: []Column[readmodel.DeadLetter]{
		{Name: "tenant", Text: func(d *readmodel.DeadLetter) string { return string(d.Tenant) }},
		{Name: "room", Text: func(d *readmodel.DeadLetter) string { return string(d.Room) }},
		{Name: "partition", Int: func(d *readmodel.DeadLetter) int64 { return int64(d.Partition) }},
		{Name: "log_offset", Int: func(d *readmodel.DeadLetter) int64 { return int64(d.Offset) }},
		{Name: "log_time", Int: func(d *readmodel.DeadLetter) int64 { return d.LogTime }},
		{Name: "event_id", Text: func(d *readmodel.DeadLetter) string { return string(d.ID) }},
		{Name: "type", Text: func(d *readmodel.DeadLetter) string { return d.Type }},
		{Name: "code", Text: func(d *readmodel.DeadLetter) string { return string(d.Code) }},
		{Name: "reason", Text: func(d *readmodel.DeadLetter) string { return clean(d.Reason) }},
		{Name: "record", Text: recordText},
	},
	Conflict: `ON CONFLICT (tenant, room, partition, log_offset) DO NOTHING`,
}

// Unpark deletes a parked record: $1 tenant, $2 room, $3 partition, $4 offset.
const Unpark = `DELETE FROM dead_letters WHERE tenant = $1 AND room = $2 AND partition = $3 AND log_offset = $4`

// record is a message as JSON: bytes, which need not be text, in base64.
type record struct {
	Key     []byte   `json:"key"`
	Value   []byte   `json:"value"`
	Headers []header `json:"headers"`
}

type header struct {
	Key   []byte `json:"key"`
	Value []byte `json:"value"`
}

func recordText(d *readmodel.DeadLetter) string {
	r := record{Key: d.Message.Key, Value: d.Message.Value}
	for _, h := range d.Message.Headers {
		r.Headers = append(r.Headers, header{[]byte(h.Key), h.Value})
	}
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // a struct of byte slices
	}
	return string(b)
}

func parseRecord(s string) (events.Message, error) {
	var r record
	if err := json.Unmarshal([]byte(s), &r); err != nil {
		return events.Message{}, fmt.Errorf("dead letter: %w", err)
	}
	m := events.Message{Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, events.Header{Key: string(h.Key), Value: h.Value})
	}
	return m, nil
}

const deadLetterColumns = `d.tenant, d.room, d.partition, d.log_offset, d.log_time, d.event_id, d.type, d.code, d.reason, d.record`

func scanDeadLetter(r Row) (readmodel.DeadLetter, error) {
	var d readmodel.DeadLetter
	var record string
	err := r.Scan(&d.Tenant, &d.Room, &d.Partition, &d.Offset, &d.LogTime, &d.ID, &d.Type, &d.Code, &d.Reason, &record)
	if err != nil {
		return d, err
	}
	d.Message, err = parseRecord(record)
	return d, err
}

// Blocked gives the first parked event of a room.
func (r Reader) Blocked(ctx context.Context, k readmodel.Key) (readmodel.DeadLetter, bool, error) {
	return one(ctx, r.q, "blocked room", scanDeadLetter,
		`SELECT `+deadLetterColumns+` FROM dead_letters d WHERE d.tenant = $1 AND d.room = $2 ORDER BY d.partition, d.log_offset LIMIT 1`,
		string(k.Tenant), string(k.Room))
}

// Parked lists the parked records of a room, in log order.
func (r Reader) Parked(ctx context.Context, k readmodel.Key, limit int) ([]readmodel.DeadLetter, error) {
	return list(ctx, r.q, "parked records", scanDeadLetter, limit,
		`SELECT `+deadLetterColumns+` FROM dead_letters d WHERE d.tenant = $1 AND d.room = $2 ORDER BY d.partition, d.log_offset LIMIT $3`,
		string(k.Tenant), string(k.Room), limit)
}

// BlockedRooms lists the events that block rooms, ascending by tenant and room.
func (r Reader) BlockedRooms(ctx context.Context, limit int) ([]readmodel.DeadLetter, error) {
	return list(ctx, r.q, "blocked rooms", scanDeadLetter, limit,
		`SELECT `+deadLetterColumns+` FROM dead_letters d WHERE d.code <> '' ORDER BY d.tenant, d.room, d.partition LIMIT $1`, limit)
}

// Counts tells how many records were set aside. Partitions without any are absent.
func (r Reader) Counts(ctx context.Context) (map[events.Partition]readmodel.Counts, error) {
	counts := map[events.Partition]readmodel.Counts{}
	err := each(ctx, r.q, "counts", `SELECT n.partition, CAST(SUM(n.bad) AS BIGINT), CAST(SUM(n.dead) AS BIGINT), CAST(SUM(n.blocked) AS BIGINT) FROM (
	SELECT partition, COUNT(*) AS bad, 0 AS dead, 0 AS blocked FROM bad_records GROUP BY partition
	UNION ALL
	SELECT partition, 0, COUNT(*), COUNT(CASE WHEN code <> '' THEN 1 END) FROM dead_letters GROUP BY partition
) n GROUP BY n.partition`, nil, func(r Row) error {
		var p events.Partition
		var c readmodel.Counts
		err := r.Scan(&p, &c.BadRecords, &c.DeadLetters, &c.BlockedRooms)
		counts[p] = c
		return err
	})
	if err != nil {
		return nil, err
	}
	return counts, nil
}
