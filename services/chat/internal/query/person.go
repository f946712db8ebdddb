package query

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/live"
)

// blockedMax bounds how many blocked rooms are looked at. Where there are more, all
// is at a stand anyway.
const blockedMax = 10_000

// FollowPerson lets a reader into the stream of all their rooms, or of those that
// only names. It begins at the cursor; without one it begins now.
func (s *Service) FollowPerson(ctx context.Context, req Request, c *live.Cursor, only map[events.RoomID]bool, types []events.Type, sub *live.Subscription) (*live.PersonTrack, events.Vector, error) {
	seen, err := s.seen(req, c)
	if err != nil {
		return nil, events.Vector{}, err
	}
	reads := personReads{s: s, tenant: req.Who.Tenant, user: req.Who.User, only: only, types: withEnds(types)}
	var now live.Heads
	err = s.attempt(ctx, seen, func(ctx context.Context) error {
		for p, next := range seen.Position.All {
			if err := s.follower.WaitFolded(ctx, p, next); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context, r readmodel.Reader) error {
		if err := s.reached(ctx, r, seen.Position); err != nil {
			return err
		}
		now, err = reads.heads(ctx, r)
		return err
	})
	if err != nil {
		return nil, events.Vector{}, err
	}
	layout := s.gate.Layout()
	t := &live.PersonTrack{
		Log: layout.Log, Epoch: layout.Epoch, User: req.Who.User, Wanted: wanted(types), Reads: reads, Sub: sub,
		PartitionOf: func(r events.RoomID) events.Partition { return s.gate.PartitionOf(req.Who.Tenant, r) },
	}
	if c == nil {
		c = &live.Cursor{}
	}
	t.Begin(*c, now)
	return t, s.gate.Trim(req.Position), nil
}

// seen joins what the reader has seen elsewhere with what they have by their cursor.
func (s *Service) seen(req Request, c *live.Cursor) (Request, error) {
	if c == nil {
		return req, nil
	}
	at := c.At
	if c.Sweep != nil {
		at = at.With(c.Sweep.Partition, c.Sweep.Next)
	}
	at, err := s.gate.Read(at.Token()) // is it of this log?
	if err != nil {
		return req, err
	}
	req.Position, err = req.Position.Merge(at)
	return req, err
}

// upTo is the position up to which a snapshot shows someone's rooms: the checkpoints,
// or where a room of theirs is blocked. What the reader had seen before, it has passed.
func (s *Service) upTo(ctx context.Context, r readmodel.Reader, who auth.Identity) (events.Vector, error) {
	next, err := s.checkpoints(ctx, r)
	if err != nil {
		return events.Vector{}, err
	}
	blocked, err := r.BlockedRooms(ctx, blockedMax)
	if err != nil {
		return events.Vector{}, err
	}
	for _, b := range blocked {
		if b.Tenant != who.Tenant || int(b.Partition) >= len(next) {
			continue
		}
		m, _, err := r.Member(ctx, b.Key, who.User)
		if err != nil {
			return events.Vector{}, err
		}
		if m.Membership == events.MembershipJoin {
			next[b.Partition] = min(next[b.Partition], b.Offset)
		}
	}
	layout := s.gate.Layout()
	return events.VectorOf(layout.Log, layout.Epoch, next), nil
}

// checkpoints gives that of each partition.
func (s *Service) checkpoints(ctx context.Context, r readmodel.Reader) ([]events.Offset, error) {
	all, err := r.Checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	next := make([]events.Offset, s.gate.Layout().Partitions)
	for _, c := range all {
		if c.Log == s.log && int(c.Partition) < len(next) {
			next[c.Partition] = c.Next
		}
	}
	return next, nil
}

// personReads reads the read model for the stream of a person's rooms.
type personReads struct {
	s      *Service
	tenant events.Tenant
	user   events.UserID
	only   map[events.RoomID]bool // nil: all
	types  []events.Type
}

// Heads implements [live.PersonReads].
func (p personReads) Heads(ctx context.Context) (out live.Heads, err error) {
	err = p.s.snapshot(ctx, func(ctx context.Context, r readmodel.Reader) error {
		out, err = p.heads(ctx, r)
		return err
	})
	return out, err
}

func (p personReads) heads(ctx context.Context, r readmodel.Reader) (out live.Heads, err error) {
	if out.Next, err = p.s.checkpoints(ctx, r); err != nil {
		return out, err
	}
	heads, err := r.Heads(ctx, p.tenant, p.user)
	if err != nil {
		return out, err
	}
	out.Rooms = make([]live.Head, 0, len(heads))
	for _, h := range heads {
		if p.only != nil && !p.only[h.Room] {
			continue
		}
		joined := h.Membership == events.MembershipJoin
		head := live.Head{Room: h.Room, Partition: h.Partition, Member: joined && !h.Deleted, Since: h.Since, Last: h.Last, Blocked: h.Blocked}
		if !joined {
			head.Last = h.SinceOffset
		}
		out.Rooms = append(out.Rooms, head)
	}
	return out, nil
}

// Stretch implements [live.PersonReads].
func (p personReads) Stretch(ctx context.Context, id events.RoomID, from live.Place, below events.Offset) (page live.RoomPage, err error) {
	err = p.s.snapshot(ctx, func(ctx context.Context, r readmodel.Reader) error {
		page, err = p.stretch(ctx, r, readmodel.Key{Tenant: p.tenant, Room: id}, from, below)
		return err
	})
	return page, err
}

func (p personReads) stretch(ctx context.Context, r readmodel.Reader, key readmodel.Key, from live.Place, below events.Offset) (page live.RoomPage, err error) {
	if from.After == 0 {
		if from.After, err = r.SeqBefore(ctx, key, from.Offset); err != nil {
			return page, err
		}
	}
	a, head, err := p.attendance(ctx, r, key)
	if err != nil {
		return page, err
	}
	if len(a.stays) > 0 && !a.gone {
		page.Sight = a.Visibility
	}
	types := p.types
	if a.gone {
		types = ends
	}
	found, err := stretch(ctx, r, a, key, from.After, head, types, streamPage)
	if err != nil {
		return page, err
	}
	for i := range found.Rows {
		if found.Rows[i].Offset >= below {
			found.Rows, found.More = found.Rows[:i], false
			break
		}
	}
	if page.Frames, err = frames(found.Rows); err != nil || !found.More {
		return page, err
	}
	page.Next, page.More, err = p.place(ctx, r, key, found.Cursor, below)
	return page, err
}

// place gives the place behind an event, and whether it is below an offset.
func (p personReads) place(ctx context.Context, r readmodel.Reader, key readmodel.Key, seq events.Seq, below events.Offset) (live.Place, bool, error) {
	at, err := r.Events(ctx, key, seq-1, nil, 1)
	if err != nil || len(at) == 0 {
		return live.Place{}, false, err
	}
	next := live.Place{Offset: at[0].Offset + 1, After: seq}
	return next, next.Offset < below, nil
}

// attendance is what a person's stream shows of a room: what happened in their
// presence, as far as they may see it, and what changed their membership. Of a
// room that is gone it shows that it is.
type attendance struct {
	Visibility
	stays room.Spans // of members
	gone  bool
}

func (p personReads) attendance(ctx context.Context, r readmodel.Reader, key readmodel.Key) (a attendance, head events.Seq, err error) {
	row, ok, err := r.Room(ctx, key)
	if err != nil || !ok {
		return a, 0, err
	}
	m, _, err := r.Member(ctx, key, p.user)
	if err != nil {
		return a, 0, err
	}
	m.User = p.user
	a.user, a.gone = p.user, row.Deleted
	if m.Membership != events.MembershipJoin {
		return a, row.Seq, nil
	}
	if a.Visibility, err = VisibilityOf(ctx, r, &row.Header, m); err != nil {
		return a, 0, err
	}
	stays, err := r.Stays(ctx, key, p.user)
	for _, s := range stays {
		a.stays = append(a.stays, room.Span{From: s.From, To: s.To})
	}
	a.stays = append(a.stays, room.Span{From: m.Since, To: room.Endless})
	return a, row.Seq, err
}

// Shows reports whether the stream shows the event.
func (a attendance) Shows(row *readmodel.EventRow) bool {
	if !a.stays.Contains(row.Seq) {
		return a.own(row)
	}
	return a.Visibility.Shows(row)
}

// run gives the end of the run of events from seq on that are all in one stay, or
// all in none.
func (a attendance) run(seq events.Seq) (end events.Seq, inside bool) { return run(a.stays, seq) }
