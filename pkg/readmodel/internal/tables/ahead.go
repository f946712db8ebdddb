package tables

import (
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Ahead is what is read ahead of being asked for.
type Ahead struct {
	readmodel.Ahead
	checkpoint found[readmodel.Checkpoint]
	room       found[readmodel.RoomRow]
	member     found[room.Member]
	page       near
}

// Queries read it, in one transaction; anew, where some have run before.
func (a *Ahead) Queries(d *Dialect) []Query {
	*a = Ahead{Ahead: a.Ahead}
	queries := []Query{findCheckpoint(&a.checkpoint, a.Partition), findRoom(d, &a.room, a.Key), findMember(&a.member, a.Key, a.User)}
	switch {
	case a.Limit > 0 && a.Before > 0:
		queries = append(queries, a.page.below(d, a.Key, a.Before, a.Limit)...)
	case a.Limit > 0:
		queries = append(queries, a.page.latest(d, a.Key, a.Limit)...)
	}
	return queries
}

// messagesBefore is the page, where it is that one.
func (a *Ahead) messagesBefore(k readmodel.Key, before events.Seq, limit int) (page *near, ok bool) {
	if a == nil || a.Key != k || a.Limit != limit || limit <= 0 {
		return nil, false
	}
	latest := a.Before == 0 && a.room.ok && before == a.room.row.Seq+1
	return &a.page, latest || a.Before > 0 && before == a.Before
}
