package query

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// EventsQuery is the place of a page of events.
type EventsQuery struct {
	After events.Seq
	Types []events.Type // none: all
	Limit int
}

// EventPage is a page of events.
type EventPage struct {
	Page[readmodel.EventRow]
	// Cursor is the seq up to which the page has everything that was asked for.
	Cursor events.Seq
}

// Events reads a page of a room's events, ascending by seq. Where much is hidden
// from the reader, a page that is not the last may be short, or empty.
func (s *Service) Events(ctx context.Context, req Request, id events.RoomID, q EventsQuery) (page EventPage, at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		v, err := m.Visibility(ctx, m.Reader)
		if err != nil {
			return err
		}
		stretch, err := v.Stretch(ctx, m.Reader, m.key, q.After, m.room.Seq, q.Types, q.Limit)
		if err != nil {
			return err
		}
		page = EventPage{Cursor: stretch.Cursor}
		page.Items = stretch.Rows
		if stretch.More {
			page.Next = seqCursor(stretch.Cursor)
		}
		return nil
	})
	return page, at, err
}
