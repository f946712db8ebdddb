package query

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// list is one of the lists of messages that clients page through: of a room, of a
// thread. Both directions give rows that ascend by seq.
type list struct {
	after, before func(seq events.Seq, limit int) ([]readmodel.MessageRow, error)
	// last is the seq of the list's last message, visible or not; zero: it has none.
	last events.Seq
}

// page reads a page of what the reader may read of a list, in one of the three
// directions that have a seq.
func (m *moment) page(ctx context.Context, v Visibility, q MessagesQuery, l list) (page Page[Message], err error) {
	rows, older, err := v.rows(q, l)
	if err != nil {
		return page, err
	}
	first, last := q.Seq+1, q.Seq-1 // of a page without items
	if len(rows) > 0 {
		first, last = rows[0].Seq, rows[len(rows)-1].Seq
	}
	newer := last < l.last && (len(rows) > 0 || q.Direction == Before)
	if newer && !v.Contains(l.last) {
		rest, err := v.messagesAfter(last, 1, l.after)
		if err != nil {
			return page, err
		}
		newer = len(rest) > 0
	}
	if older {
		page.Prev = seqCursor(first)
	}
	if newer {
		page.Next = seqCursor(last)
	}
	page.Items, err = Present(ctx, m.Reader, v, rows...)
	return page, err
}

// rows gives the rows of a page, and whether there are older ones.
func (v Visibility) rows(q MessagesQuery, l list) (rows []readmodel.MessageRow, older bool, err error) {
	switch q.Direction {
	case Before:
		rows, err = v.messagesBefore(q.Seq, q.Limit+1, l.before)
		if len(rows) > q.Limit {
			return rows[1:], true, err
		}
		return rows, false, err
	case Around:
		return v.around(q, l)
	case After, Newest, At:
	}
	if rows, err = v.messagesAfter(q.Seq, q.Limit, l.after); err != nil {
		return nil, false, err
	}
	first := q.Seq + 1
	if len(rows) > 0 {
		first = rows[0].Seq
	}
	before, err := v.messagesBefore(first, 1, l.before)
	return rows, len(before) > 0, err
}

// around takes half of the page from each side; what one side lacks the other
// gives.
func (v Visibility) around(q MessagesQuery, l list) (rows []readmodel.MessageRow, older bool, err error) {
	before, err := v.messagesBefore(q.Seq+1, q.Limit+1, l.before)
	if err != nil {
		return nil, false, err
	}
	after, err := v.messagesAfter(q.Seq, q.Limit, l.after)
	if err != nil {
		return nil, false, err
	}
	left := min(len(before), max((q.Limit+1)/2, q.Limit-len(after)))
	right := min(len(after), q.Limit-left)
	rows = append(before[len(before)-left:len(before):len(before)], after[:right]...)
	return rows, left < len(before), nil
}
