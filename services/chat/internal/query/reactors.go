package query

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
)

// Reactors lists who reacted to a message with a key, ascending.
func (s *Service) Reactors(ctx context.Context, req Request, id events.RoomID, message events.EventID, key string, after events.UserID, limit int) (page Page[events.UserID], at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		page = Page[events.UserID]{}
		v, err := m.Visibility(ctx, m.Reader)
		if err != nil {
			return err
		}
		row, err := readMessage(ctx, m.Reader, m.key, v, message)
		if err != nil {
			return err
		}
		users, err := m.Reactors(ctx, m.key, row.Seq, key, after, limit+1)
		if err != nil {
			return err
		}
		page.Items, page.Next = cut(users, limit, func(last events.UserID) string { return string(last) })
		return nil
	})
	return page, at, err
}
