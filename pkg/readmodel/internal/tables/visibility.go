package tables

import (
	"context"
	"math"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Stays writes times of membership that have ended.
var Stays = Insert[readmodel.StayRow]{
	Table: "stays",
	Columns: []Column[readmodel.StayRow]{
		{Name: "tenant", Text: func(s *readmodel.StayRow) string { return string(s.Tenant) }},
		{Name: "room", Text: func(s *readmodel.StayRow) string { return string(s.Room) }},
		{Name: "user_id", Text: func(s *readmodel.StayRow) string { return string(s.User) }},
		{Name: "from_seq", Int: func(s *readmodel.StayRow) int64 { return int64(s.From) }},
		{Name: "invited", Int: func(s *readmodel.StayRow) int64 { return int64(s.Invited) }},
		{Name: "to_seq", Int: func(s *readmodel.StayRow) int64 { return int64(s.To) }},
	},
}

// Histories writes settings of history.
var Histories = Insert[readmodel.HistoryRow]{
	Table: "histories",
	Columns: []Column[readmodel.HistoryRow]{
		{Name: "tenant", Text: func(h *readmodel.HistoryRow) string { return string(h.Tenant) }},
		{Name: "room", Text: func(h *readmodel.HistoryRow) string { return string(h.Room) }},
		{Name: "from_seq", Int: func(h *readmodel.HistoryRow) int64 { return int64(h.From) }},
		{Name: "history", Text: func(h *readmodel.HistoryRow) string { return string(h.History) }},
	},
}

func scanStay(r Row) (room.Stay, error) {
	var s room.Stay
	err := r.Scan(&s.User, &s.From, &s.Invited, &s.To)
	return s, err
}

// Stays lists a person's times of membership that have ended.
func (r Reader) Stays(ctx context.Context, k readmodel.Key, u events.UserID) ([]room.Stay, error) {
	return list(ctx, r.q, "stays", scanStay, math.MaxInt,
		`SELECT s.user_id, s.from_seq, s.invited, s.to_seq FROM stays s WHERE s.tenant = $1 AND s.room = $2 AND s.user_id = $3 ORDER BY s.from_seq`,
		string(k.Tenant), string(k.Room), string(u))
}

func scanHistory(r Row) (room.HistoryChange, error) {
	var h room.HistoryChange
	err := r.Scan(&h.From, &h.History)
	return h, err
}

// Histories lists a room's settings of history.
func (r Reader) Histories(ctx context.Context, k readmodel.Key) ([]room.HistoryChange, error) {
	return list(ctx, r.q, "settings of history", scanHistory, math.MaxInt,
		`SELECT h.from_seq, h.history FROM histories h WHERE h.tenant = $1 AND h.room = $2 ORDER BY h.from_seq`,
		string(k.Tenant), string(k.Room))
}
