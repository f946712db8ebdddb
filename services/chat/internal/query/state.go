package query

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// replayPage is how many events are read at a time for a room as it was.
const replayPage = 1000

// StateQuery is the moment of a room's past that is asked for.
type StateQuery struct {
	// Seq is the last event that counts; zero: the latest one, or by SentAt.
	Seq events.Seq
	// SentAt, where it is set, leaves out what comes from the first message on that was
	// sent then or later; in Unix milliseconds.
	SentAt int64
	After  events.UserID // of the members
	Limit  int           // of members
}

// State is a room as it was.
type State struct {
	Room
	Members Page[room.Member]
	// Pins are the messages that were pinned, the first pin first, without those that
	// the reader may not read.
	Pins []readmodel.EventRow
}

// State folds the events that made the room what it was after one of them: those
// about messages are left out, so that it costs what the room's settings and
// members cost, however much was said.
func (s *Service) State(ctx context.Context, req Request, id events.RoomID, q StateQuery) (state State, at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		v, err := m.Visibility(ctx, m.Reader)
		if err != nil {
			return err
		}
		seq, err := m.seqOf(ctx, q)
		if err != nil {
			return err
		}
		if seq > m.room.Seq || !v.Contains(seq) {
			return problem.New(problem.EventNotFound, "there is no event with that seq in the room that you may read")
		}
		then := s.now().UnixMilli()
		if q.Seq != 0 || q.SentAt != 0 {
			if then, err = m.timeOf(ctx, seq); err != nil {
				return err
			}
		}
		state, err = m.replay(ctx, v, seq, then, q)
		return err
	})
	return state, at, err
}

func (m *moment) seqOf(ctx context.Context, q StateQuery) (events.Seq, error) {
	switch {
	case q.SentAt != 0:
		seq, found, err := m.MessageAt(ctx, m.key, q.SentAt)
		if err != nil || found {
			return seq - 1, err
		}
	case q.Seq != 0:
		return q.Seq, nil
	}
	return m.room.Seq, nil
}

// timeOf is the log's time of an event that is there.
func (m *moment) timeOf(ctx context.Context, seq events.Seq) (int64, error) {
	rows, err := m.Events(ctx, m.key, seq-1, nil, 1)
	if err != nil {
		return 0, err
	}
	if len(rows) == 0 {
		return 0, fmt.Errorf("room %s has no event %d", m.key.Room, seq)
	}
	return rows[0].LogTime, nil
}

// past are the types that a room's state is made of.
func past() []events.Type {
	return []events.Type{
		events.TypeRoomCreated, events.TypeRoomUpdated, events.TypeRulesUpgraded, events.TypeMemberChanged,
		events.TypeMessagePinned, events.TypeMessageUnpinned,
	}
}

// replay gives the room after the event to, at that time: a ban that had ended by then
// is none.
func (m *moment) replay(ctx context.Context, v Visibility, to events.Seq, then int64, q StateQuery) (State, error) {
	view := room.NewView()
	var content readmodel.EventRow
	pins := map[events.Seq]readmodel.EventRow{} // by the seq of the message
	for after := events.Seq(0); after < to; {
		rows, err := m.Events(ctx, m.key, after, past(), replayPage)
		if err != nil {
			return State{}, err
		}
		for i := range rows {
			row := &rows[i]
			if after = row.Seq; after > to {
				break
			}
			switch row.Type {
			case events.TypeMessagePinned:
				pins[row.About] = *row
			case events.TypeMessageUnpinned:
				delete(pins, row.About)
			default:
				if err := again(view, row); err != nil {
					return State{}, err
				}
			}
			if view.Header.ContentSeq == row.Seq {
				content = *row
			}
		}
		if len(rows) < replayPage {
			break
		}
	}
	return m.stateOf(view, content, pins, v, to, then, q), nil
}

// again folds an event that was accepted, in a view that lacks what does not matter
// to it: the events about messages in between.
func again(view *room.View, row *readmodel.EventRow) error {
	facts, err := row.DecodeFacts()
	if err != nil {
		return err
	}
	if h := view.Header; h != nil {
		before := *h
		before.Seq = row.Seq - 1
		view.Header = &before
	}
	e := events.Event{ID: row.ID, Type: row.Type, Tenant: row.Tenant, Room: row.Room, Facts: facts}
	c, verdict := room.Apply(view, &e, time.UnixMilli(row.LogTime))
	if verdict.Status != room.Accepted || verdict.Seq != row.Seq {
		return fmt.Errorf("event %s with seq %d is %s (%s) when it is folded again", row.ID, row.Seq, verdict.Status, verdict.Code)
	}
	view.Change(c) // its id comes once
	return nil
}

// stateOf makes the answer of what was folded.
func (m *moment) stateOf(view *room.View, content readmodel.EventRow, pins map[events.Seq]readmodel.EventRow, v Visibility, to events.Seq, then int64, q StateQuery) State {
	h := *view.Header
	h.Seq = to
	out := State{Room: Room{RoomRow: readmodel.RoomRow{Header: h, Content: content.Content}, Full: true}}
	people := slices.SortedFunc(maps.Values(view.Members), func(a, b room.Member) int { return cmp.Compare(a.User, b.User) })
	first, found := slices.BinarySearchFunc(people, q.After, func(p room.Member, u events.UserID) int { return cmp.Compare(p.User, u) })
	if found {
		first++
	}
	rest := people[first:min(len(people), first+q.Limit+1)]
	for i := range rest {
		rest[i] = rest[i].At(then)
	}
	out.Members.Items, out.Members.Next = cut(rest, q.Limit, func(last room.Member) string { return string(last.User) })
	for _, about := range slices.Sorted(maps.Keys(pins)) {
		if v.Contains(about) {
			out.Pins = append(out.Pins, pins[about])
		}
	}
	slices.SortFunc(out.Pins, func(a, b readmodel.EventRow) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}
