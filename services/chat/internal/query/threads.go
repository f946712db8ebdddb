package query

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Threads reads a page of the roots of threads, the one with the latest reply first.
func (s *Service) Threads(ctx context.Context, req Request, id events.RoomID, cursor string, limit int) (Page[Message], events.Vector, error) {
	return s.latestFirst(ctx, req, id, cursor, limit, func(ctx context.Context, m *moment) latestFirst {
		return latestFirst{
			list: func(before events.Seq, limit int) ([]readmodel.MessageRow, error) {
				return m.Threads(ctx, m.key, before, limit)
			},
			at: func(root *readmodel.MessageRow) events.Seq { return root.State.LastReply },
			more: func(rows []readmodel.MessageRow, out []Message) error {
				unread, err := m.ThreadUnread(ctx, m.key, m.who, rows)
				for i := range out {
					out[i].Unread = unread[out[i].Seq]
				}
				return err
			},
		}
	})
}

// Pins reads a page of the pinned messages, the latest pin first.
func (s *Service) Pins(ctx context.Context, req Request, id events.RoomID, cursor string, limit int) (Page[Message], events.Vector, error) {
	return s.latestFirst(ctx, req, id, cursor, limit, func(ctx context.Context, m *moment) latestFirst {
		return latestFirst{
			list: func(before events.Seq, limit int) ([]readmodel.MessageRow, error) {
				return m.Pins(ctx, m.key, before, limit)
			},
			at: func(pinned *readmodel.MessageRow) events.Seq { return pinned.State.Pinned },
		}
	})
}

// latestFirst is a list of messages by the seq of something that became of them,
// descending.
type latestFirst struct {
	list func(before events.Seq, limit int) ([]readmodel.MessageRow, error)
	at   func(*readmodel.MessageRow) events.Seq
	// more, where it is not nil, adds what such a list shows of its messages.
	more func(rows []readmodel.MessageRow, out []Message) error
}

// latestFirst reads a page of such a list, which is short where the reader may not
// read all of it.
func (s *Service) latestFirst(ctx context.Context, req Request, id events.RoomID, cursor string, limit int, of func(context.Context, *moment) latestFirst) (page Page[Message], at events.Vector, err error) {
	last, err := parseSeqCursor(cursor)
	if err != nil {
		return page, at, err
	}
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		page = Page[Message]{}
		v, err := m.Visibility(ctx, m.Reader)
		if err != nil {
			return err
		}
		before := last
		if before == 0 {
			before = m.room.Seq + 1
		}
		l := of(ctx, m)
		rows, err := l.list(before, limit+1)
		if err != nil {
			return err
		}
		rows, page.Next = cut(rows, limit, func(last readmodel.MessageRow) string { return *seqCursor(l.at(&last)) })
		shown := make([]readmodel.MessageRow, 0, len(rows))
		for i := range rows {
			if v.Contains(rows[i].Seq) {
				shown = append(shown, rows[i])
			}
		}
		if page.Items, err = Present(ctx, m.Reader, v, shown...); err != nil || l.more == nil {
			return err
		}
		return l.more(shown, page.Items)
	})
	return page, at, err
}
