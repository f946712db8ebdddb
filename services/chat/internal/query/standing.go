package query

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Standing is what a person is to a room in one moment, and so what they may see
// of it. It is the one place that says so, for answers to commands too.
type Standing struct {
	room   readmodel.RoomRow
	exists bool
	member room.Member // as of now: a ban that has ended is none
}

// StandingOf reads a person's standing; now is in Unix milliseconds.
func StandingOf(ctx context.Context, r readmodel.Reader, key readmodel.Key, who events.UserID, now int64) (s Standing, err error) {
	if s.room, s.exists, err = r.Room(ctx, key); err != nil || !s.exists {
		return s, err
	}
	if s.room.Deleted {
		return Standing{}, nil // it is there for nobody
	}
	member, ok, err := r.Member(ctx, key, who)
	if err != nil {
		return s, err
	}
	if !ok {
		member = room.Member{User: who}
	}
	s.member = member.At(now)
	return s, nil
}

// See gives the problem for those who may not know that the room is there.
func (s Standing) See() error {
	if !s.exists || s.room.Kind != events.RoomPublic &&
		s.member.Membership != events.MembershipJoin && s.member.Membership != events.MembershipInvite {
		return problem.Rejected(room.CodeRoomNotFound)
	}
	return nil
}

// SeeMember gives the problem for those who may not see the standing of a person:
// one's own can be seen as long as the room can, and while one waits to be let in;
// that of others by members.
func (s Standing) SeeMember(u events.UserID) error {
	if u == s.member.User && s.exists {
		if s.member.Membership == events.MembershipKnock {
			return nil
		}
		return s.See()
	}
	return s.readable()
}

// Room is what the person sees of the room, where they see it.
func (s Standing) Room(ctx context.Context, r readmodel.Reader) (out Room, err error) {
	out = Room{RoomRow: s.room, Full: s.joined()}
	if out.Full {
		out.With, err = peer(ctx, r, &s.room.Header, s.member.User)
	}
	return out, err
}

// readable refuses those who may not read the room: reading takes membership, in
// public rooms too.
func (s Standing) readable() error {
	if err := s.See(); err != nil {
		return err
	}
	if !s.joined() {
		return problem.Rejected(room.CodeNotAMember)
	}
	return nil
}

// Visibility gives what the person may read of the room; the problem for those who
// may not read it.
func (s Standing) Visibility(ctx context.Context, r readmodel.Reader) (Visibility, error) {
	if err := s.readable(); err != nil {
		return Visibility{}, err
	}
	return VisibilityOf(ctx, r, &s.room.Header, s.member)
}

// Hides reports whether the message is there and not for the person's eyes, though
// they are a member.
func (s Standing) Hides(ctx context.Context, r readmodel.Reader, id events.EventID) (bool, error) {
	if !s.joined() || alwaysOpen(&s.room.Header) {
		return false, nil
	}
	row, ok, err := r.Message(ctx, s.key(), id)
	if err != nil || !ok {
		return false, err
	}
	v, err := VisibilityOf(ctx, r, &s.room.Header, s.member)
	return !v.Contains(row.Seq), err
}

func (s Standing) joined() bool { return s.exists && s.member.Membership == events.MembershipJoin }

func (s Standing) key() readmodel.Key { return readmodel.Key{Tenant: s.room.Tenant, Room: s.room.Room} }
