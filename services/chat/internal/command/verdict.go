package command

import (
	"context"
	"errors"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// verdictRetry is the pause before the read model is asked again for a verdict
// that it did not have.
const verdictRetry = 50 * time.Millisecond

// errNoVerdict says that the read model has not judged the command yet.
var errNoVerdict = errors.New("no verdict yet")

// await waits until the deadline for the verdict, and adds it to what is known. The
// error is the problem with which the fold rejected the command; without a verdict
// there is neither error nor outcome.
func (s *Service) await(ctx context.Context, c *Command, r *Receipt, deadline time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, deadline.Sub(s.Now()))
	defer cancel()
	p := s.Gate.PartitionOf(c.Who.Tenant, c.Room)
	var next events.Offset
	if r.Position != nil {
		next = r.Position.Offset + 1
	}
	// What is folded already is not waited for, so the end of ctx is looked at here.
	for ctx.Err() == nil {
		if s.Follower.WaitFolded(ctx, p, next) != nil {
			return nil
		}
		o, checkpoint, err := s.verdict(ctx, *c, *r)
		if r.Position == nil && o.Status != "" && o.Digest == c.Digest { // the log has not said it, the verdict does
			at := s.Gate.Position(o.Partition, o.Offset)
			r.Position = &at
		}
		var rejected *problem.Error
		switch {
		case errors.As(err, &rejected):
			return err
		case err == nil:
			r.Outcome = &o
			return nil
		case errors.Is(err, ErrHidden):
			return nil
		case r.Position == nil && errors.Is(err, errNoVerdict):
			next = checkpoint + 1 // it may yet be in the log
		}
		pause := time.NewTimer(verdictRetry)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
	return nil
}

// verdict reads what the fold said, and what the client gets to see of it. It
// also gives the checkpoint of the moment.
func (s *Service) verdict(ctx context.Context, c Command, r Receipt) (o readmodel.Outcome, next events.Offset, err error) {
	key := c.RoomKey()
	ctx, cancel := context.WithTimeout(ctx, s.ReadTimeout)
	defer cancel()
	err = s.Store.Snapshot(ctx, func(reader readmodel.Reader) error {
		cp, ok, err := reader.Checkpoint(ctx, s.Gate.PartitionOf(key.Tenant, key.Room))
		if err != nil {
			return err
		}
		if next = cp.Next; !ok || cp.Log != s.LogID || r.Position != nil && next <= r.Position.Offset {
			return errNoVerdict
		}
		if o, err = s.find(ctx, reader, key, c, r); err != nil {
			return err
		}
		if o.Status == room.Rejected {
			return s.rejected(ctx, reader, c, o.Code)
		}
		st, err := c.standing(ctx, reader, s.Now())
		if err != nil {
			return err
		}
		r.Outcome = &o
		return c.Load(ctx, reader, st, r)
	})
	return o, next, err
}

// rejected is the problem of a command that the fold rejected.
func (s *Service) rejected(ctx context.Context, r readmodel.Reader, c Command, code room.Code) error {
	if code != room.CodeSlowMode {
		return rejected(code, 0)
	}
	view, err := r.View(ctx, c.RoomKey(), room.Needs{Members: []events.UserID{c.Who.User}})
	if err != nil {
		return err
	}
	return rejected(code, slowMode(view, c.Who.User, s.Now()))
}

func rejected(code room.Code, wait time.Duration) error {
	p := problem.Rejected(code)
	if code == room.CodeSlowMode {
		p.RetryAfter = max(wait, time.Second)
	}
	return p
}

// slowMode is how long a room that has members wait has one wait still.
func slowMode(v *room.View, u events.UserID, now time.Time) time.Duration {
	if v.Header == nil {
		return 0
	}
	next := time.UnixMilli(v.Members[u].LastPost).Add(time.Duration(v.Header.Settings.SlowMode) * time.Second)
	return next.Sub(now)
}

// find reads what the id keeps. Where that is of another request under the same
// key, this one was rejected for it.
func (s *Service) find(ctx context.Context, r readmodel.Reader, key readmodel.Key, c Command, receipt Receipt) (readmodel.Outcome, error) {
	o, ok, err := r.Outcome(ctx, key, receipt.Event)
	switch {
	case err != nil:
		return o, err
	case ok && o.Digest != c.Digest:
		return o, problem.Rejected(room.CodeKeyReused)
	case ok:
		return o, nil
	}
	blocked, ok, err := r.Blocked(ctx, key)
	switch {
	case err != nil:
		return o, err
	case !ok || receipt.Position != nil && blocked.Offset > receipt.Position.Offset:
		return o, errNoVerdict
	}
	st, err := c.standing(ctx, r, s.Now())
	if err == nil {
		err = st.See()
	}
	if err != nil {
		if _, creates := c.Facts(events.Command{}).(events.RoomCreated); creates {
			return o, errNoVerdict // the room is not there because its making is parked
		}
		return o, err
	}
	return o, problem.New(problem.RoomBlocked, "an event of the room waits for an operator: this one stands behind it")
}
