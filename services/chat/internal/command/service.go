package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/limit"
	"github.com/roomlog/roomlog/services/chat/internal/position"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// Log takes events.
type Log interface {
	PublishWithin(d time.Duration, m events.Message) (events.Position, error)
}

// Follower waits for the read model.
type Follower interface {
	WaitFolded(ctx context.Context, p events.Partition, next events.Offset) error
}

// Observer counts what happens to commands.
type Observer interface {
	// Published tells how a publish ended ("acknowledged", "unknown", "failed")
	// and how long it took.
	Published(result string, took time.Duration)
	// Judged tells how the courtesy check ended: "allowed", "cached", "refused",
	// "repeated", "skipped".
	Judged(result string)
	// Expired tells that the log took a command after its time.
	Expired()
}

// Config is what a service needs.
type Config struct {
	Log      Log
	Store    readmodel.Store
	LogID    events.LogID
	Gate     *position.Gate
	Follower Follower
	Now      func() time.Time
	// NewID makes a new event id.
	NewID    func(now time.Time) string
	Observer Observer
	Logger   *slog.Logger
	// PublishTimeout is how long the log may take for an event.
	PublishTimeout time.Duration
	// CourtesyTimeout is how long the read model may take for the look before.
	CourtesyTimeout time.Duration
	// CatchUp is how long a refusal waits for the read model to reach the log's
	// end.
	CatchUp time.Duration
	// ReadTimeout bounds the reading of a verdict.
	ReadTimeout time.Duration
	// Rooms limits what is published to one room, Unchecked what one person sends
	// while the read model does not say whether they may.
	Rooms     *limit.Buckets[readmodel.Key]
	Unchecked *limit.Buckets[auth.Account]
	// Hook is asked before anything is published; nil: nobody is.
	Hook Hook
}

// ErrHidden says that the client may not see what its command led to: it was
// accepted once, and the room is no longer theirs to read.
var ErrHidden = errors.New("the result is not for the client's eyes")

// Service carries out commands. It is safe for concurrent use. Its errors are
// problems, or that of the request's context.
type Service struct {
	Config
	courtesy *courtesy
}

// New makes a service.
func New(c Config) *Service {
	return &Service{Config: c, courtesy: newCourtesy(c)}
}

// Command is a request to change a room.
type Command struct {
	Who  auth.Identity
	Room events.RoomID
	// Facts makes the event's facts.
	Facts func(by events.Command) events.Facts
	// Complete, where it is not nil, is asked before the command goes out, and not when
	// it was sent before: what Facts then makes may have so many bytes more.
	Complete func(ctx context.Context, free int) error
	// Content is the event's, written as JSON; nil: it has none.
	Content any
	// Key is the client's idempotency key, or empty.
	Key string
	// Digest tells requests under one key apart; only with a key.
	Digest string
	// Position is what the client has seen.
	Position events.Vector
	// Wait is how long to wait for the verdict; zero: not.
	Wait time.Duration
	// Load reads what the client gets to see of an accepted command, in the
	// moment of the verdict, by their standing in it. It may be called again: it sets
	// its result anew. It says [ErrHidden] where they may not see it any more.
	Load func(ctx context.Context, r readmodel.Reader, st query.Standing, of Receipt) error
	// TraceParent is the W3C trace context of the request, or empty.
	TraceParent string
}

// RoomKey names the room in the read model.
func (c *Command) RoomKey() readmodel.Key { return readmodel.Key{Tenant: c.Who.Tenant, Room: c.Room} }

// standing is what the sender is to the room.
func (c *Command) standing(ctx context.Context, r readmodel.Reader, now time.Time) (query.Standing, error) {
	return query.StandingOf(ctx, r, c.RoomKey(), c.Who.User, now.UnixMilli())
}

// Receipt is what is known of a command.
type Receipt struct {
	Event events.EventID
	Room  events.RoomID
	// Position is nil where the log has not said where the event is.
	Position *events.Position
	// Token is the position for the client, where Position is known.
	Token events.Vector
	// Expires is when the event loses its effect if it is not in the log by then.
	Expires time.Time
	// Outcome is the fold's verdict, an acceptance; nil where it was not waited
	// for, has not come in time, or its result is hidden.
	Outcome *readmodel.Outcome
}

// Do carries out a command. With a problem that the fold gave there is a receipt
// too.
func (s *Service) Do(ctx context.Context, c *Command) (Receipt, error) {
	arrived := s.Now()
	e, m, err := s.event(c, arrived)
	if err != nil {
		return Receipt{}, err
	}
	r := Receipt{Event: e.ID, Room: c.Room, Expires: e.Expires}
	known, err := s.courtesy.look(ctx, c, e)
	if err != nil {
		return Receipt{}, err
	}
	if known != nil {
		at := s.Gate.Position(known.Partition, known.Offset)
		r.Position = &at
	} else {
		if err := s.Rooms.Take(readmodel.Key{Tenant: c.Who.Tenant, Room: c.Room}, arrived).Err(); err != nil {
			return Receipt{}, err
		}
		if m, err = complete(ctx, c, e, m); err != nil {
			return Receipt{}, err
		}
		if m, err = s.ask(ctx, c, e, m); err != nil {
			return Receipt{}, err
		}
		if r.Position, err = s.publish(m, arrived); err != nil {
			return Receipt{}, err
		}
	}
	if c.Who.Actor != "" {
		s.Logger.Info("acted for a person", "actor", c.Who.Actor, "tenant", c.Who.Tenant, "user_id", c.Who.User, "room_id", c.Room, "event_id", e.ID)
	}
	if c.Wait > 0 {
		r, err = s.await(ctx, *c, r, arrived.Add(c.Wait))
		var p *problem.Error
		if known == nil && errors.As(err, &p) && p.Code == problem.Code(room.CodeExpired) {
			s.Observer.Expired()
		}
	}
	if r.Position != nil {
		r.Token = s.Gate.Join(c.Position, r.Position.Partition, r.Position.Offset+1)
	}
	return r, err
}

// event makes the event of a command.
func (s *Service) event(c *Command, now time.Time) (*events.Event, events.Message, error) {
	content, err := events.EncodeContent(c.Content)
	if err != nil {
		return nil, events.Message{}, fmt.Errorf("encode content: %w", err)
	}
	facts := c.Facts(events.Command{Sender: c.Who.User, Digest: c.Digest})
	e := &events.Event{
		Type: facts.EventType(), Tenant: c.Who.Tenant, Room: c.Room, Facts: facts, Content: content,
		Time: now, Expires: now.Add(s.PublishTimeout + position.ClockSkew), TraceParent: c.TraceParent,
	}
	if c.Key != "" {
		e.ID = events.IdempotentID(c.Who.Tenant, c.Room, c.Who.User, c.Key)
	} else {
		e.ID = events.EventID(s.NewID(now))
	}
	m, err := encode(e)
	return e, m, err
}

// complete gives the event what only the moment of sending says.
func complete(ctx context.Context, c *Command, e *events.Event, m events.Message) (events.Message, error) {
	if c.Complete == nil {
		return m, nil
	}
	if err := c.Complete(ctx, events.MaxEvent-m.Size()); err != nil {
		return m, err
	}
	e.Facts = c.Facts(e.Facts.By())
	return encode(e)
}

// encode writes an event; errors are problems.
func encode(e *events.Event) (events.Message, error) {
	m, err := events.Encode(e)
	switch {
	case errors.Is(err, events.ErrTooLarge):
		return m, problem.Caused(problem.BodyTooLarge, fmt.Sprintf("the event would have more than %d bytes", events.MaxEvent), err)
	case errors.Is(err, events.ErrUnstorable):
		return m, problem.Caused(problem.InvalidCharacter, "the body holds text that is not Unicode", err)
	case err != nil:
		return m, problem.Caused(problem.Code(room.CodeInvalid), "the command asks for something that cannot be", err)
	}
	return m, nil
}

// publish gives the event to the log; nil: its answer did not come in time, the
// log may have the event or not. It waits whether the client does or not: what was handed
// over is in the log all the same, and to see who hangs up costs each send.
func (s *Service) publish(m events.Message, arrived time.Time) (*events.Position, error) {
	start := s.Now()
	at, err := s.Log.PublishWithin(s.PublishTimeout-start.Sub(arrived), m)
	took := s.Now().Sub(start)
	switch {
	case err == nil:
		s.Observer.Published("acknowledged", took)
		s.Gate.Published(at)
		return &at, nil
	case errors.Is(err, eventlog.ErrUnknownOutcome):
		s.Observer.Published("unknown", took)
		return nil, nil
	}
	s.Observer.Published("failed", took)
	return nil, problem.Caused(problem.LogUnavailable, "the log does not take events now: nothing was written", err)
}
