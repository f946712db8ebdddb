package query

import (
	"context"
	"errors"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/live"
)

// streamPage is how many events a stream reads at a time.
const streamPage = 100

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

// Follow is what a stream of a room begins with.
type Follow struct {
	// Horizon is the room's seq when the reader was let in.
	Horizon events.Seq
	// Read reads on from a seq.
	Read func(ctx context.Context, after events.Seq) (live.Page, error)
}

// Follow lets a reader into a room's stream of events.
func (s *Service) Follow(ctx context.Context, req Request, id events.RoomID, types []events.Type) (f Follow, at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(_ context.Context, m *moment) error {
		f.Horizon = m.room.Seq
		return m.readable()
	})
	// What ends the reader's membership comes whatever was asked for.
	if len(types) > 0 && !slices.Contains(types, events.TypeMemberChanged) {
		types = append(slices.Clone(types), events.TypeMemberChanged)
	}
	key := readmodel.Key{Tenant: req.Who.Tenant, Room: id}
	f.Read = func(ctx context.Context, after events.Seq) (page live.Page, err error) {
		err = s.snapshot(ctx, func(ctx context.Context, r readmodel.Reader) error {
			page, err = s.stretch(ctx, r, key, req.Who.User, after, types)
			return err
		})
		return page, err
	}
	return f, at, err
}

// stretch reads the next events of a stream. To someone who is no longer a
// member it gives them all the same: the stream ends at the one that ended the
// membership, and what comes after it is not shown.
func (s *Service) stretch(ctx context.Context, r readmodel.Reader, key readmodel.Key, who events.UserID, after events.Seq, types []events.Type) (page live.Page, err error) {
	row, ok, err := r.Room(ctx, key)
	if err != nil {
		return page, err
	}
	if !ok {
		return page, errors.New("the room of a stream is not in the read model")
	}
	member, _, err := r.Member(ctx, key, who)
	if err != nil {
		return page, err
	}
	member.User = who
	page.Member = member.Membership == events.MembershipJoin
	v, err := VisibilityOf(ctx, r, &row.Header, member)
	if err != nil {
		return page, err
	}
	stretch, err := v.Stretch(ctx, r, key, after, row.Seq, types, streamPage)
	if err != nil {
		return page, err
	}
	page.Cursor, page.More = stretch.Cursor, stretch.More
	page.Frames = make([]*live.Frame, len(stretch.Rows))
	for i := range stretch.Rows {
		if page.Frames[i], err = live.NewFrame(&stretch.Rows[i]); err != nil {
			return page, err
		}
	}
	return page, nil
}
