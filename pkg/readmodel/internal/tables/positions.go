package tables

import (
	"context"
	"fmt"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// DumpPositions streams what a dump leaves out, as [Reader.Dump] does, but for
// reasons in words: those are the program's.
func (r Reader) DumpPositions(ctx context.Context, row func(readmodel.DumpRow) error) error {
	for _, dump := range []func(context.Context, func(readmodel.DumpRow) error) error{
		r.dumpBadRecords, r.dumpDeadLetters, r.dumpEventPositions, r.dumpOutcomePositions, r.dumpRoomHistory,
	} {
		if err := dump(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

type badRecordDump struct {
	LogTime int64 `json:"log_time"`
	Size    int   `json:"size"`
}

func (r Reader) dumpBadRecords(ctx context.Context, row func(readmodel.DumpRow) error) error {
	return each(ctx, r.q, "dump of bad records", `SELECT b.partition, b.log_offset, b.log_time, b.size
FROM bad_records b ORDER BY b.partition, b.log_offset`, nil, func(r Row) error {
		var at positionDump
		var b badRecordDump
		if err := r.Scan(&at.Partition, &at.Offset, &b.LogTime, &b.Size); err != nil {
			return err
		}
		return emit(row, "bad_records", at.key(), b)
	})
}

type deadLetterDump struct {
	LogTime int64          `json:"log_time"`
	ID      events.EventID `json:"event_id"`
	Type    string         `json:"type"`
	Code    room.Code      `json:"code"`
	Record  string         `json:"record"`
}

func (r Reader) dumpDeadLetters(ctx context.Context, row func(readmodel.DumpRow) error) error {
	return each(ctx, r.q, "dump of dead letters", `SELECT d.tenant, d.room, d.partition, d.log_offset, d.log_time, d.event_id, d.type, d.code, d.record
FROM dead_letters d ORDER BY d.tenant, d.room, d.partition, d.log_offset`, nil, func(r Row) error {
		var k readmodel.Key
		var at positionDump
		var d deadLetterDump
		if err := r.Scan(&k.Tenant, &k.Room, &at.Partition, &at.Offset, &d.LogTime, &d.ID, &d.Type, &d.Code, &d.Record); err != nil {
			return err
		}
		return emit(row, "dead_letters", fmt.Sprintf("%s %s %s", k.Tenant, k.Room, at.key()), d)
	})
}

type positionDump struct {
	Partition events.Partition `json:"partition"`
	Offset    events.Offset    `json:"log_offset"`
}

func (p positionDump) key() string { return fmt.Sprintf("%09d %019d", p.Partition, p.Offset) }

// eventPositionDump has an event's positions: that in the log, and whether it stands
// where its id is looked for.
type eventPositionDump struct {
	positionDump
	Found bool `json:"found_by_id"`
}

func (r Reader) dumpEventPositions(ctx context.Context, row func(readmodel.DumpRow) error) error {
	l := r.dialect.layout
	return each(ctx, r.q, "dump of events' positions", l.all(`e.seq, e.partition, e.log_offset, `+l.found()), nil, func(r Row) error {
		var k readmodel.Key
		var seq events.Seq
		var at eventPositionDump
		if err := r.Scan(&k.Tenant, &k.Room, &seq, &at.Partition, &at.Offset, &at.Found); err != nil {
			return err
		}
		return emit(row, "events", fmt.Sprintf("%s %s %019d", k.Tenant, k.Room, seq), at)
	})
}

// dumpOutcomePositions numbers them as dumpOutcomes does.
func (r Reader) dumpOutcomePositions(ctx context.Context, row func(readmodel.DumpRow) error) error {
	var last string
	n := 0
	return each(ctx, r.q, "dump of outcomes' positions", `SELECT o.tenant, o.room, o.event_id, o.partition, o.log_offset
FROM outcomes o ORDER BY o.tenant, o.room, o.event_id, o.partition, o.log_offset`, nil, func(r Row) error {
		var k readmodel.Key
		var id events.EventID
		var at positionDump
		if err := r.Scan(&k.Tenant, &k.Room, &id, &at.Partition, &at.Offset); err != nil {
			return err
		}
		key := fmt.Sprintf("%s %s %s", k.Tenant, k.Room, id)
		if n++; key != last {
			n, last = 1, key
		}
		return emit(row, "outcomes", fmt.Sprintf("%s %09d", key, n), at)
	})
}

type roomHistoryDump struct {
	History events.History `json:"history"`
}

// dumpRoomHistory has the copy of a setting that statements look at.
func (r Reader) dumpRoomHistory(ctx context.Context, row func(readmodel.DumpRow) error) error {
	return each(ctx, r.q, "dump of rooms' history", `SELECT r.tenant, r.room, r.history FROM rooms r ORDER BY r.tenant, r.room`, nil, func(r Row) error {
		var k readmodel.Key
		var h roomHistoryDump
		if err := r.Scan(&k.Tenant, &k.Room, &h.History); err != nil {
			return err
		}
		return emit(row, "rooms", fmt.Sprintf("%s %s", k.Tenant, k.Room), h)
	})
}
