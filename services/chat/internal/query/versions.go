package query

import (
	"context"
	"strconv"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Version is the content that a message was given by an event: the one that posted
// it, or an edit.
type Version struct {
	readmodel.EventRow
	Version int
}

// History reads a page of a message's versions, ascending. An edit from a time that
// the reader may not read of is not among them.
func (s *Service) History(ctx context.Context, req Request, id events.RoomID, message events.EventID, cursor string, limit int) (page Page[Version], at events.Vector, err error) {
	after, err := parseSeqCursor(cursor)
	if err != nil {
		return page, at, err
	}
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		page = Page[Version]{Items: []Version{}}
		v, err := m.Visibility(ctx, m.Reader)
		if err != nil {
			return err
		}
		row, err := readMessage(ctx, m.Reader, m.key, v, message)
		if err != nil {
			return err
		}
		edits, err := m.Edits(ctx, m.key, row.Seq, max(after, row.Seq), limit+1)
		if err != nil {
			return err
		}
		if after < row.Seq {
			edits = append([]readmodel.EventRow{row.EventRow}, edits...)
		}
		edits, page.Next = cut(edits, limit, func(last readmodel.EventRow) string { return *seqCursor(last.Seq) })
		for i := range edits {
			if !v.Contains(edits[i].Seq) {
				continue
			}
			version, err := versionOf(&edits[i])
			if err != nil {
				return err
			}
			page.Items = append(page.Items, Version{edits[i], version})
		}
		return nil
	})
	return page, at, err
}

// parseSeqCursor reads what seqCursor wrote; zero: there is none.
func parseSeqCursor(cursor string) (events.Seq, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || n < 1 || cursor != *seqCursor(events.Seq(n)) {
		return 0, problem.In(problem.InvalidCursor, "after", "this is not a cursor: send back what `next` was")
	}
	return events.Seq(n), nil
}
