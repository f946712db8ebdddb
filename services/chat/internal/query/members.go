package query

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Member is a person's standing, as the reader sees it.
type Member struct {
	room.Member
	// Marks says whether the marks are the reader's to see.
	Marks bool
	// Preferences are nil where they are not the reader's own.
	Preferences *Preferences
}

// Preferences are how a member wants the room shown.
type Preferences struct{ Muted, Hidden, Archived bool }

// Members lists everyone who has or had to do with the room.
func (s *Service) Members(ctx context.Context, req Request, id events.RoomID, after events.UserID, limit int) (page Page[Member], at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		if err := m.readable(); err != nil {
			return err
		}
		rows, err := m.Members(ctx, m.key, after, limit+1)
		if err != nil {
			return err
		}
		page = Page[Member]{}
		rows, page.Next = cut(rows, limit, func(last room.Member) string { return string(last.User) })
		page.Items = make([]Member, len(rows))
		for i, row := range rows {
			page.Items[i] = m.shown(row.At(s.now().UnixMilli()))
		}
		return nil
	})
	return page, at, err
}

// Member reads one person's standing.
func (s *Service) Member(ctx context.Context, req Request, id events.RoomID, user events.UserID) (out Member, at events.Vector, err error) {
	at, err = s.inRoom(ctx, req, id, func(ctx context.Context, m *moment) error {
		if err := m.SeeMember(user); err != nil {
			return err
		}
		row, ok, err := m.Reader.Member(ctx, m.key, user)
		if err == nil && !ok {
			err = problem.New(problem.MemberNotFound, "the user never had to do with the room")
		}
		out = m.shown(row.At(s.now().UnixMilli()))
		return err
	})
	return out, at, err
}

// Own is the person's own standing.
func (s Standing) Own() Member { return s.shown(s.member) }

// shown gives what the person sees of a standing.
func (s Standing) shown(of room.Member) Member {
	out := Member{Member: of}
	if of.Membership != events.MembershipJoin {
		return out
	}
	own := of.User == s.member.User
	out.Marks = own || s.room.Settings.ReadMarks == events.ReadMarksShared
	if own {
		p := preferencesOf(&s.room.Header, of)
		out.Preferences = &p
	}
	return out
}

func preferencesOf(h *room.Header, m room.Member) Preferences {
	// A hidden room comes back with what is posted in it.
	return Preferences{Muted: m.Muted, Hidden: m.Hidden > 0 && m.Hidden >= h.LastMessage, Archived: m.Archived}
}

// UnreadIn counts the replies of a thread that the person has not read.
func (s Standing) UnreadIn(ctx context.Context, r readmodel.Reader, root events.EventID) (int64, error) {
	key := s.key()
	row, ok, err := r.Message(ctx, key, root)
	if err != nil || !ok {
		return 0, err
	}
	v, err := VisibilityOf(ctx, r, &s.room.Header, s.member)
	if err != nil || !v.Contains(row.Seq) {
		return 0, err
	}
	unread, err := r.ThreadUnread(ctx, key, s.member.User, []readmodel.MessageRow{row})
	return unread[row.Seq], err
}
