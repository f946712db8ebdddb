package query

import (
	"context"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// clockSkew is how far the clocks of API and brokers may differ: a command
// counts as expired only when its time has been over for so long.
const clockSkew = 5 * time.Second

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

// Outcome tells a command's author what became of it. Expires, where it is not
// zero, is when the command loses its effect if the log does not have it by then.
func (s *Service) Outcome(ctx context.Context, req Request, id events.RoomID, event events.EventID, expires time.Time) (out Outcome, at events.Vector, err error) {
	found := false
	at, err = s.outcomeIn(ctx, req, id, func(ctx context.Context, r readmodel.Reader, key readmodel.Key, _ readmodel.Checkpoint) (err error) {
		out, found, err = s.known(ctx, r, key, event, req.Who.User)
		return err
	})
	if found || err != nil {
		return out, at, err
	}
	// An id that is not there may be in the log and not yet folded. Where the log
	// ends must be read after the expiry and before the tables.
	over := !expires.IsZero() && s.now().After(expires.Add(clockSkew))
	end, ended := s.endOf(ctx, s.gate.PartitionOf(req.Who.Tenant, id))
	at, err = s.outcomeIn(ctx, req, id, func(ctx context.Context, r readmodel.Reader, key readmodel.Key, c readmodel.Checkpoint) (err error) {
		if out, found, err = s.known(ctx, r, key, event, req.Who.User); found || err != nil {
			return err
		}
		_, parked, err := r.Blocked(ctx, key) // it may be among the parked ones
		switch {
		case err != nil:
			return err
		case parked || !ended || c.Next < end || !over && !expires.IsZero():
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

// known reads an outcome that the read model has.
func (s *Service) known(ctx context.Context, r readmodel.Reader, key readmodel.Key, event events.EventID, who events.UserID) (Outcome, bool, error) {
	o, ok, err := r.Outcome(ctx, key, event)
	switch {
	case err != nil || !ok:
		return Outcome{}, false, err
	case o.Sender != who:
		return Outcome{}, false, noOutcome()
	}
	return s.outcome(o), true, nil
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
	if err != nil {
		return events.Vector{}, err
	}
	return s.gate.Join(req.Position, p, next), nil
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
