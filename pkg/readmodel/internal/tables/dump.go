package tables

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Dump streams tables in ascending order of name, rows in ascending order of
// key, so that two dumps can be compared by merging. A key is the ids and
// numbers of the row with a space between: a space sorts before every character
// of an id, so that keys compare as the tuples do; numbers have leading zeros.
func (r Reader) Dump(ctx context.Context, row func(readmodel.DumpRow) error) error {
	for _, dump := range []func(context.Context, func(readmodel.DumpRow) error) error{
		r.dumpEvents, r.dumpHistories, r.dumpMembers, r.dumpMentions, r.dumpStates, r.dumpOutcomes, r.dumpReactions, r.dumpRevocations, r.dumpRooms,
		r.dumpStays, r.dumpThreadMarks,
	} {
		if err := dump(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// eventDump has the fields of an event in the order of the dump.
type eventDump struct {
	ID          events.EventID `json:"event_id"`
	Type        string         `json:"type"`
	Sender      events.UserID  `json:"sender"`
	SentAt      int64          `json:"sent_at"`
	LogTime     int64          `json:"log_time"`
	Digest      string         `json:"digest"`
	ThreadRoot  events.EventID `json:"thread_root"`
	About       events.Seq     `json:"about"`
	Messages    int64          `json:"messages"`
	LastMessage events.Seq     `json:"last_message"`
	Posted      int64          `json:"posted"`
	SentUntil   int64          `json:"sent_until"`
	Redacted    events.Seq     `json:"redacted"`
	ContentKey  string         `json:"content_key"`
	Facts       string         `json:"facts"`
	Content     string         `json:"content"`
}

func (r Reader) dumpEvents(ctx context.Context, row func(readmodel.DumpRow) error) error {
	sql := r.dialect.layout.all(`e.last_message, e.posted, e.sent_until, ` + eventColumns)
	return each(ctx, r.q, "dump of events", sql, nil, func(r Row) error {
		var e readmodel.EventRow
		if err := r.Scan(append([]any{&e.Tenant, &e.Room, &e.LastMessage, &e.Posted, &e.SentUntil}, eventFields(&e)...)...); err != nil {
			return err
		}
		versioned(&e)
		return emit(row, "events", fmt.Sprintf("%s %s %019d", e.Tenant, e.Room, e.Seq), eventDump{
			e.ID, e.Type.Versioned(e.Version), e.Sender, e.SentAt, e.LogTime, e.Digest, e.ThreadRoot, e.About, e.Messages, e.LastMessage, e.Posted, e.SentUntil, e.Redacted, e.ContentKey, e.Facts, e.Content,
		})
	})
}

type memberDump struct {
	Membership events.Membership `json:"membership"`
	Role       events.Role       `json:"role"`
	Since      events.Seq        `json:"since"`
	Until      int64             `json:"until"`
	Invited    events.Seq        `json:"invited"`
	Read       events.Seq        `json:"read_seq"`
	Delivered  events.Seq        `json:"delivered"`
	LastPost   int64             `json:"last_post"`
	Muted      bool              `json:"muted"`
	Archived   bool              `json:"archived"`
	Hidden     events.Seq        `json:"hidden"`
}

func (r Reader) dumpMembers(ctx context.Context, row func(readmodel.DumpRow) error) error {
	return each(ctx, r.q, "dump of members", `SELECT m.tenant, m.room, `+memberColumns+` FROM members m ORDER BY m.tenant, m.room, m.user_id`, nil, func(r Row) error {
		var k readmodel.Key
		var m room.Member
		if err := r.Scan(append([]any{&k.Tenant, &k.Room}, memberFields(&m)...)...); err != nil {
			return err
		}
		return emit(row, "members", fmt.Sprintf("%s %s %s", k.Tenant, k.Room, m.User), memberDump{
			m.Membership, m.Role, m.Since, m.Until, m.Invited, m.Read, m.Delivered, m.LastPost, m.Muted, m.Archived, m.Hidden,
		})
	})
}

type outcomeDump struct {
	Type    events.Type   `json:"type"`
	Sender  events.UserID `json:"sender"`
	Status  room.Status   `json:"status"`
	Code    room.Code     `json:"code"`
	Digest  string        `json:"digest"`
	Binds   bool          `json:"binds"`
	LogTime int64         `json:"log_time"`
}

// dumpOutcomes numbers the verdicts of an event id in log order, in the place of
// their positions.
func (r Reader) dumpOutcomes(ctx context.Context, row func(readmodel.DumpRow) error) error {
	var last string
	n := 0
	return each(ctx, r.q, "dump of outcomes", `SELECT o.tenant, o.room, o.event_id, o.type, o.sender, o.status, o.code, o.digest, o.binds, o.log_time
FROM outcomes o ORDER BY o.tenant, o.room, o.event_id, o.partition, o.log_offset`, nil, func(r Row) error {
		var k readmodel.Key
		var id events.EventID
		var o outcomeDump
		var binds int64
		if err := r.Scan(&k.Tenant, &k.Room, &id, &o.Type, &o.Sender, &o.Status, &o.Code, &o.Digest, &binds, &o.LogTime); err != nil {
			return err
		}
		o.Binds = binds != 0
		key := fmt.Sprintf("%s %s %s", k.Tenant, k.Room, id)
		if n++; key != last {
			n, last = 1, key
		}
		return emit(row, "outcomes", fmt.Sprintf("%s %09d", key, n), o)
	})
}

type roomDump struct {
	Kind        events.RoomKind     `json:"kind"`
	Rules       int                 `json:"rules"`
	Creator     events.UserID       `json:"creator"`
	Settings    events.RoomSettings `json:"settings"`
	Seq         events.Seq          `json:"seq"`
	Digest      string              `json:"digest"`
	Version     int                 `json:"version"`
	ContentSeq  events.Seq          `json:"content_seq"`
	LastMessage events.Seq          `json:"last_message"`
	Messages    int64               `json:"messages"`
	Posted      int64               `json:"posted"`
	SentUntil   int64               `json:"sent_until"`
	Archived    bool                `json:"archived"`
	Deleted     bool                `json:"deleted"`
	Members     int64               `json:"members"`
	Created     int64               `json:"created"`
	LogTime     int64               `json:"log_time"`
}

func (r Reader) dumpRooms(ctx context.Context, row func(readmodel.DumpRow) error) error {
	return each(ctx, r.q, "dump of rooms", `SELECT `+headerColumns+` FROM rooms r ORDER BY r.tenant, r.room`, nil, func(r Row) error {
		h, err := scanHeader(r)
		if err != nil {
			return err
		}
		return emit(row, "rooms", fmt.Sprintf("%s %s", h.Tenant, h.Room), roomDump{
			h.Kind, h.Rules, h.Creator, h.Settings, h.Seq, h.Digest, h.Version, h.ContentSeq, h.LastMessage, h.Messages, h.Posted, h.SentUntil,
			h.Archived, h.Deleted, h.Members, h.Created, h.LogTime,
		})
	})
}

func emit(row func(readmodel.DumpRow) error, table, key string, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return row(readmodel.DumpRow{Table: table, Key: key, Value: string(b)})
}
