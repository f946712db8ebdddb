package query

import (
	"context"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/position"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// parkedMax is among how many parked events of a room an author's own is looked
// for.
const parkedMax = 1000

// OutcomeStatus is what is known of a command.
type OutcomeStatus string

// The statuses of outcomes.
const (
	OutcomePending  OutcomeStatus = "pending"
	OutcomeAccepted OutcomeStatus = "accepted"
	OutcomeRejected OutcomeStatus = "rejected"
	OutcomeExpired  OutcomeStatus = "expired"
)

// Outcome is what became of a command.
type Outcome struct {
	Status   OutcomeStatus
	Seq      events.Seq
	Code     room.Code
	Position *events.Position // nil where the log's answer is not known
}

// OutcomeQuery is the command that is asked about.
type OutcomeQuery struct {
	Event events.EventID
	// At is where the log has it, if that is known: of several records with one id
	// each has its own verdict.
	At *events.Position
	// Expires, where it is not zero, is when the command loses its effect if the
	// log does not have it by then.
	Expires time.Time
}

// Outcome tells a command's author what became of it. To anyone else the answer
// is as if nobody had sent it.
func (s *Service) Outcome(ctx context.Context, req Request, id events.RoomID, q OutcomeQuery) (out Outcome, at events.Vector, err error) {
	found := false
	at, err = s.outcomeIn(ctx, req, id, func(ctx context.Context, r readmodel.Reader, key readmodel.Key, c readmodel.Checkpoint) (err error) {
		out, found, err = s.known(ctx, r, key, c, q, req.Who.User)
		return err
	})
	if found || err != nil {
		return out, at, err
	}
	// An id that is not there may be in the log and not yet folded. Where the log
	// ends must be read after the expiry and before the tables.
	over := !q.Expires.IsZero() && s.now().After(q.Expires.Add(position.ClockSkew))
	end, ended := s.endOf(ctx, s.gate.PartitionOf(req.Who.Tenant, id))
	at, err = s.outcomeIn(ctx, req, id, func(ctx context.Context, r readmodel.Reader, key readmodel.Key, c readmodel.Checkpoint) (err error) {
		if out, found, err = s.known(ctx, r, key, c, q, req.Who.User); found || err != nil {
			return err
		}
		parked, err := s.parked(ctx, r, key, q.Event, req.Who.User)
		switch {
		case err != nil:
			return err
		case parked || !ended || c.Next < end || !over && !q.Expires.IsZero():
			out = Outcome{Status: OutcomePending}
			return nil
		case over:
			out = Outcome{Status: OutcomeExpired, Code: room.CodeExpired}
			return nil
		}
		return noOutcome()
	})
	return out, at, err
}

// known reads an outcome that the read model has. That of another's command is as
// none: ids can be guessed where keys can.
func (s *Service) known(ctx context.Context, r readmodel.Reader, key readmodel.Key, c readmodel.Checkpoint, q OutcomeQuery, who events.UserID) (Outcome, bool, error) {
	if q.At != nil {
		if q.At.Offset >= c.Next {
			return Outcome{}, false, nil
		}
		o, ok, err := r.OutcomeAt(ctx, key, q.Event, q.At.Partition, q.At.Offset)
		if err != nil || ok && o.Sender == who {
			return s.outcome(o), ok, err
		}
		first, blocked, err := r.Blocked(ctx, key)
		if err != nil || blocked && first.Offset <= q.At.Offset {
			return Outcome{}, false, err
		}
		// A duplicate has the first one's outcome.
	}
	o, ok, err := r.Outcome(ctx, key, q.Event)
	if err != nil || !ok || o.Sender != who {
		return Outcome{}, false, err
	}
	return s.outcome(o), true, nil
}

// parked reports whether the event may be among the parked ones of its room, for
// all that who may know: those who see the room know that it is blocked, others
// only of what they have sent themselves.
func (s *Service) parked(ctx context.Context, r readmodel.Reader, key readmodel.Key, event events.EventID, who events.UserID) (bool, error) {
	_, blocked, err := r.Blocked(ctx, key)
	if err != nil || !blocked {
		return false, err
	}
	standing, err := StandingOf(ctx, r, key, who, s.now().UnixMilli())
	if err != nil || standing.See() == nil {
		return true, err
	}
	letters, err := r.Parked(ctx, key, parkedMax)
	if err != nil {
		return false, err
	}
	for _, l := range letters {
		if l.ID != event {
			continue
		}
		if e, err := events.Decode(l.Message); err == nil && e.Facts != nil && e.Facts.By().Sender == who {
			return true, nil
		}
	}
	return false, nil
}

// outcomeIn is inRoom without a look at the room: an author may ask whatever has
// become of the room and of their membership, in a blocked room too.
func (s *Service) outcomeIn(ctx context.Context, req Request, id events.RoomID, read func(context.Context, readmodel.Reader, readmodel.Key, readmodel.Checkpoint) error) (events.Vector, error) {
	key := readmodel.Key{Tenant: req.Who.Tenant, Room: id}
	p := s.gate.PartitionOf(key.Tenant, key.Room)
	want, _ := req.Position.Next(p)
	var next events.Offset
	err := s.attempt(ctx, req, func(ctx context.Context) error {
		return s.follower.WaitFolded(ctx, p, want)
	}, func(ctx context.Context, r readmodel.Reader) error {
		c, ok, err := r.Checkpoint(ctx, p)
		if err != nil {
			return err
		}
		if !ok || c.Log != s.log || c.Next < want {
			return errBehind
		}
		next = c.Next
		return read(ctx, r, key, c)
	})
	return s.position(req, p, next, err), err
}

func (s *Service) endOf(ctx context.Context, p events.Partition) (events.Offset, bool) {
	ctx, cancel := context.WithTimeout(ctx, endsTimeout)
	defer cancel()
	ends, err := s.gate.Ends(ctx)
	if err != nil {
		return 0, false
	}
	return ends[p], true
}

func (s *Service) outcome(o readmodel.Outcome) Outcome {
	at := s.gate.Position(o.Partition, o.Offset)
	out := Outcome{Seq: o.Seq, Code: o.Code, Position: &at}
	switch {
	case o.Status == room.Accepted:
		out.Status = OutcomeAccepted
	case o.Code == room.CodeExpired:
		out.Status = OutcomeExpired
	default:
		out.Status = OutcomeRejected
	}
	return out
}

func noOutcome() error {
	return problem.New(problem.OutcomeNotFound, "you have sent no such command to the room")
}
