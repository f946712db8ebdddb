package query

import (
	"context"
	"errors"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Request is what every read begins with.
type Request struct {
	Who auth.Identity
	// Position is what the reader must see; zero: anything.
	Position events.Vector
	// Wait is how long the read model may take to get there.
	Wait time.Duration
	// Seen, where it is not nil, is told the position of a problem that the read
	// model gave, for that is an answer too.
	Seen func(events.Vector)
}

// moment is a room as one snapshot shows it.
type moment struct {
	readmodel.Reader
	key        readmodel.Key
	who        events.UserID
	checkpoint readmodel.Checkpoint
	Standing
}

// errBehind says that the read model is not yet where the reader must have it.
var errBehind = errors.New("the read model is behind")

// inRoom runs read in one snapshot that has folded what the request asks for,
// and gives the position of the answer. The snapshot may be tried again: read
// must set its results anew each time.
func (s *Service) inRoom(ctx context.Context, req Request, id events.RoomID, read func(context.Context, *moment) error) (events.Vector, error) {
	return s.inPage(ctx, req, id, 0, 0, read)
}

// inPage is inRoom for a read of a page of messages before a seq, which is zero for the
// room's latest. Only the store goes by that: [readmodel.Ahead].
func (s *Service) inPage(ctx context.Context, req Request, id events.RoomID, before events.Seq, limit int, read func(context.Context, *moment) error) (events.Vector, error) {
	key := readmodel.Key{Tenant: req.Who.Tenant, Room: id}
	p := s.gate.PartitionOf(key.Tenant, key.Room)
	want, _ := req.Position.Next(p)
	var next events.Offset
	err := s.attempt(ctx, req, func(ctx context.Context) error {
		return s.follower.WaitFolded(ctx, p, want)
	}, func(ctx context.Context, r readmodel.Reader) error {
		m, err := s.open(ctx, r, key, req.Who.User, p, want)
		if err != nil {
			return err
		}
		next = m.checkpoint.Next
		return read(ctx, m)
	}, readmodel.Ahead{Partition: p, Key: key, User: req.Who.User, Before: before, Limit: limit})
	return s.position(req, p, next, err), err
}

// position joins what the request has seen with what its answer was read at; next
// is zero where the read model was not read.
func (s *Service) position(req Request, p events.Partition, next events.Offset, err error) events.Vector {
	var rejected *problem.Error
	if err != nil && (next == 0 || req.Seen == nil || !errors.As(err, &rejected)) {
		return events.Vector{}
	}
	at := s.gate.Join(req.Position, p, next)
	if err != nil {
		req.Seen(at)
	}
	return at
}

// open loads what every read of a room looks at.
func (s *Service) open(ctx context.Context, r readmodel.Reader, key readmodel.Key, who events.UserID, p events.Partition, want events.Offset) (*moment, error) {
	m := &moment{Reader: r, key: key, who: who}
	var ok bool
	var err error
	if m.checkpoint, ok, err = r.Checkpoint(ctx, p); err != nil {
		return nil, err
	}
	if !ok || m.checkpoint.Log != s.log || m.checkpoint.Next < want {
		return nil, errBehind
	}
	if m.Standing, err = StandingOf(ctx, r, key, who, s.now().UnixMilli()); err != nil {
		return nil, err
	}
	if want > 0 && m.See() == nil { // to others the room is not there, blocked or not
		b, blocked, err := r.Blocked(ctx, key)
		if err != nil {
			return nil, err
		}
		if blocked && b.Offset < want {
			return nil, problem.New(problem.RoomBlocked, "an event of the room waits for an operator: what you have seen or written stands behind it")
		}
	}
	return m, nil
}

// attempt waits with wait, then runs read in a snapshot, and again while it says
// errBehind, for as long as the request allows.
func (s *Service) attempt(ctx context.Context, req Request, wait func(context.Context) error, read func(context.Context, readmodel.Reader) error, ahead ...readmodel.Ahead) error {
	limit := req.Wait
	if limit == 0 {
		limit = s.wait
	}
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := s.verify(waiting, req.Position, wait); err != nil {
		return err
	}
	for {
		late := wait(waiting)
		err := s.snapshot(ctx, read, ahead...)
		if !errors.Is(err, errBehind) {
			return err
		}
		if late != nil || waiting.Err() != nil { // what was told to be folded may not be, after a rebuild
			return problem.Caused(problem.ReadModelBehind, "the read model has not yet folded what you have seen or written", err)
		}
		pause := time.NewTimer(behindPause)
		select {
		case <-waiting.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// verify holds a position against the log, after a moment in which the follower
// may hear of it: mostly it does, and the log need not be asked.
func (s *Service) verify(ctx context.Context, v events.Vector, wait func(context.Context) error) error {
	if v.Len() == 0 {
		return nil
	}
	soon, cancel := context.WithTimeout(ctx, verifyAfter)
	defer cancel()
	_ = wait(soon) // whether it was long enough shows below
	bounded, cancel := context.WithTimeout(ctx, endsTimeout)
	defer cancel()
	return s.gate.Verify(bounded, v)
}

// snapshot bounds the time that the database may take.
func (s *Service) snapshot(ctx context.Context, read func(context.Context, readmodel.Reader) error, ahead ...readmodel.Ahead) error {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := s.store.Snapshot(bounded, func(r readmodel.Reader) error { return read(bounded, r) }, ahead...)
	var p *problem.Error
	if err == nil || errors.Is(err, errBehind) || errors.As(err, &p) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return problem.Caused(problem.ReadModelUnavailable, "the database does not answer", err)
}
