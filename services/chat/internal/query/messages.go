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

// Message is a message as one reader sees it.
type Message struct {
	readmodel.MessageRow
	// Mine are the keys with which the reader has reacted to it.
	Mine []string
	// Unread counts the replies that the reader has not read; of roots in a list of
	// threads.
	Unread int64
}

// Messages reads a page of messages; items ascend by seq. A page is full where
// there is enough that the reader may read.
func (s *Service) Messages(ctx context.Context, req Request, id events.RoomID, q MessagesQuery) (page Page[Message], at events.Vector, err error) {
	limit := 0
	if q.Direction == Newest || q.Direction == Before {
		limit = q.Limit + 1
	}
	at, err = s.inPage(ctx, req, id, q.Seq, limit, func(ctx context.Context, m *moment) error {
		v, err := m.Visibility(ctx, m.Reader)
		if err != nil {
			return err
		}
		q, err := m.place(ctx, q)
		if err != nil {
			return err
		}
		page, err = m.page(ctx, v, q, list{
			after: func(seq events.Seq, limit int) ([]readmodel.MessageRow, error) {
				return m.MessagesAfter(ctx, m.key, seq, limit)
			},
			before: func(seq events.Seq, limit int) ([]readmodel.MessageRow, error) {
				return m.MessagesBefore(ctx, m.key, seq, limit)
			},
			last: m.room.LastMessage,
		})
		return err
	})
	return page, at, err
}

// Thread reads a page of the replies to a message, which is not among them.
func (s *Service) Thread(ctx context.Context, req Request, id events.RoomID, root events.EventID, q MessagesQuery) (page Page[Message], at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		v, err := m.Visibility(ctx, m.Reader)
		if err != nil {
			return err
		}
		row, err := readMessage(ctx, m.Reader, m.key, v, root)
		if err != nil {
			return err
		}
		q, err := m.place(ctx, q)
		if err != nil {
			return err
		}
		page, err = m.page(ctx, v, q, list{
			after: func(seq events.Seq, limit int) ([]readmodel.MessageRow, error) {
				return m.Thread(ctx, m.key, root, seq, limit)
			},
			before: func(seq events.Seq, limit int) ([]readmodel.MessageRow, error) {
				return m.ThreadBefore(ctx, m.key, root, seq, limit)
			},
			last: row.State.LastReply,
		})
		return err
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

// Message reads one message.
func (s *Service) Message(ctx context.Context, req Request, id events.RoomID, message events.EventID) (out Message, at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) (err error) {
		out, err = m.Standing.Message(ctx, m.Reader, message)
		return err
	})
	return out, at, err
}

// LatestMessage reads a message as it is at the end of the log, for a command that
// changes what it has.
func (s *Service) LatestMessage(ctx context.Context, req Request, id events.RoomID, message events.EventID) (Message, error) {
	p := s.gate.PartitionOf(req.Who.Tenant, id)
	end, ok := s.endOf(ctx, p)
	if !ok {
		return Message{}, problem.New(problem.LogUnavailable, "the log does not answer now: nothing was written")
	}
	req.Position = s.gate.Join(req.Position, p, end)
	out, _, err := s.Message(ctx, req, id, message)
	return out, err
}

// Message reads a message as the person sees it.
func (s Standing) Message(ctx context.Context, r readmodel.Reader, id events.EventID) (Message, error) {
	v, err := s.Visibility(ctx, r)
	if err != nil {
		return Message{}, err
	}
	row, err := readMessage(ctx, r, s.key(), v, id)
	if err != nil {
		return Message{}, err
	}
	shown, err := Present(ctx, r, v, row)
	if err != nil {
		return Message{}, err
	}
	return shown[0], nil
}

// readMessage reads a message that the reader may read; to them others are not
// there.
func readMessage(ctx context.Context, r readmodel.Reader, key readmodel.Key, v Visibility, id events.EventID) (readmodel.MessageRow, error) {
	row, ok, err := r.Message(ctx, key, id)
	if err == nil && (!ok || !v.Contains(row.Seq)) {
		err = problem.Rejected(room.CodeMessageUnknown)
	}
	return row, err
}

func seqCursor(seq events.Seq) *string {
	s := strconv.FormatInt(int64(seq), 10)
	return &s
}
