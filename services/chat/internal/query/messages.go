package query

import (
	"context"
	"strconv"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Direction is where a page of messages lies.
type Direction int

// Directions. Newest needs no place.
const (
	Newest Direction = iota
	Before           // messages with a smaller seq
	After            // messages with a greater seq
	Around           // both sides of a seq, itself among them
	At               // from the first message on that was sent at the time or later
)

// MessagesQuery is the place of a page of messages.
type MessagesQuery struct {
	Direction Direction
	Seq       events.Seq
	SentAt    int64 // Unix milliseconds
	Limit     int
}

// Messages reads a page of messages; items ascend by seq.
func (s *Service) Messages(ctx context.Context, req Request, id events.RoomID, q MessagesQuery) (page Page[readmodel.MessageRow], at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		if err := m.readable(); err != nil {
			return err
		}
		q, err := m.place(ctx, q)
		if err != nil {
			return err
		}
		rows, older, err := m.messages(ctx, q)
		if err != nil {
			return err
		}
		first, last := q.Seq+1, q.Seq-1 // of a page without items
		if len(rows) > 0 {
			first, last = rows[0].Seq, rows[len(rows)-1].Seq
		}
		page = Page[readmodel.MessageRow]{Items: rows}
		if older {
			page.Prev = seqCursor(first)
		}
		if last < m.room.LastMessage && (len(rows) > 0 || q.Direction == Before) {
			page.Next = seqCursor(last)
		}
		return nil
	})
	return page, at, err
}

// place turns the directions that have no seq into those that have one.
func (m *moment) place(ctx context.Context, q MessagesQuery) (MessagesQuery, error) {
	switch q.Direction {
	case Newest:
		q.Direction, q.Seq = Before, m.room.Seq+1
	case At:
		seq, ok, err := m.MessageAt(ctx, m.key, q.SentAt)
		if err != nil {
			return q, err
		}
		if !ok {
			seq = m.room.Seq + 1
		}
		q.Direction, q.Seq = After, seq-1
	case Before, After, Around:
	}
	return q, nil
}

// messages gives the rows of a page, and whether there are older ones.
func (m *moment) messages(ctx context.Context, q MessagesQuery) (rows []readmodel.MessageRow, older bool, err error) {
	switch q.Direction {
	case Before:
		return m.before(ctx, q)
	case Around:
		return m.around(ctx, q)
	case After, Newest, At:
	}
	if rows, err = m.MessagesAfter(ctx, m.key, q.Seq, q.Limit); err != nil {
		return nil, false, err
	}
	first := q.Seq + 1
	if len(rows) > 0 {
		first = rows[0].Seq
	}
	before, err := m.MessagesBefore(ctx, m.key, first, 1)
	return rows, len(before) > 0, err
}

func (m *moment) before(ctx context.Context, q MessagesQuery) (rows []readmodel.MessageRow, older bool, err error) {
	rows, err = m.MessagesBefore(ctx, m.key, q.Seq, q.Limit+1)
	if len(rows) > q.Limit {
		return rows[1:], true, err
	}
	return rows, false, err
}

// around takes half of the page from each side; what one side lacks the other
// gives.
func (m *moment) around(ctx context.Context, q MessagesQuery) (rows []readmodel.MessageRow, older bool, err error) {
	before, err := m.MessagesBefore(ctx, m.key, q.Seq+1, q.Limit+1)
	if err != nil {
		return nil, false, err
	}
	after, err := m.MessagesAfter(ctx, m.key, q.Seq, q.Limit)
	if err != nil {
		return nil, false, err
	}
	left := min(len(before), max((q.Limit+1)/2, q.Limit-len(after)))
	right := min(len(after), q.Limit-left)
	rows = append(before[len(before)-left:len(before):len(before)], after[:right]...)
	return rows, left < len(before), nil
}

// Message reads one message.
func (s *Service) Message(ctx context.Context, req Request, id events.RoomID, message events.EventID) (row readmodel.MessageRow, at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		if err := m.readable(); err != nil {
			return err
		}
		found, ok, err := m.Reader.Message(ctx, m.key, message)
		if err == nil && !ok {
			err = problem.Rejected(room.CodeMessageUnknown)
		}
		row = found
		return err
	})
	return row, at, err
}

func seqCursor(seq events.Seq) *string {
	s := strconv.FormatInt(int64(seq), 10)
	return &s
}
