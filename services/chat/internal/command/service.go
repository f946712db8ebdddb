package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/limit"
	"github.com/roomlog/roomlog/services/chat/internal/live"
	"github.com/roomlog/roomlog/services/chat/internal/position"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// Log takes events.
type Log interface {
	// PublishWithin has nothing of m any more where it has given a position.
	PublishWithin(d time.Duration, m events.Message) (events.Position, error)
}

// Follower waits for the read model, and hears of what changes there.
type Follower interface {
	WaitFolded(ctx context.Context, p events.Partition, next events.Offset) error
	Glance(room readmodel.Key) live.Glance
	Certain(g live.Glance, p events.Partition) bool
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
	Complete func(ctx context.Context, c *Command, free int) error
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
	out, known, err := s.prepare(ctx, c, arrived)
	if err != nil {
		return Receipt{}, err
	}
	r := Receipt{Event: out.event.ID, Room: c.Room, Expires: out.event.Expires}
	if known != nil {
		at := s.Gate.Position(known.Partition, known.Offset)
		r.Position = &at
	} else if r.Position, err = s.publish(out, arrived); err != nil {
		return Receipt{}, err
	}
	if c.Who.Actor != "" {
		s.acted(c, r.Event)
	}
	if c.Wait > 0 {
		err = s.await(ctx, c, &r, arrived.Add(c.Wait))
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

// acted notes that a service acted for a person. It is apart from Do because of its frame,
// as prepare is.
func (s *Service) acted(c *Command, id events.EventID) {
	s.Logger.Info("acted for a person", "actor", c.Who.Actor, "tenant", c.Who.Tenant, "user_id", c.Who.User, "room_id", c.Room, "event_id", id)
}

// prepare makes the event of a command, and sees that it may go out. It has known what
// became of it where it was sent before.
func (s *Service) prepare(ctx context.Context, c *Command, arrived time.Time) (out *outgoing, known *readmodel.Outcome, err error) {
	out = outgoings.Get().(*outgoing)
	if err := s.compose(out, c, arrived); err != nil {
		return nil, nil, err
	}
	if known, err = s.courtesy.look(ctx, c, &out.event); known != nil || err != nil {
		return out, known, err
	}
	if err := s.Rooms.Take(c.RoomKey(), arrived).Err(); err != nil {
		return nil, nil, err
	}
	if err := complete(ctx, c, out); err != nil {
		return nil, nil, err
	}
	return out, nil, s.ask(ctx, c, out)
}

// outgoing is the event of a command, and the message that the log gets for it.
type outgoing struct {
	event   events.Event
	message events.Message
	encoder events.Encoder
}

var outgoings = sync.Pool{New: func() any { return new(outgoing) }}

// release has another command use it. What the log may be taking still must not be.
func (o *outgoing) release() {
	o.event, o.message = events.Event{}, events.Message{}
	outgoings.Put(o)
}

// encode makes e the message; errors are problems.
func (o *outgoing) encode(e *events.Event) (err error) {
	o.message, err = o.encoder.Encode(e)
	switch {
	case errors.Is(err, events.ErrTooLarge):
		return problem.Caused(problem.BodyTooLarge, fmt.Sprintf("the event would have more than %d bytes", events.MaxEvent), err)
	case errors.Is(err, events.ErrUnstorable):
		return problem.Caused(problem.InvalidCharacter, "the body holds text that is not Unicode", err)
	case err != nil:
		return problem.Caused(problem.Code(room.CodeInvalid), "the command asks for something that cannot be", err)
	}
	return nil
}

// compose makes the event of a command.
func (s *Service) compose(o *outgoing, c *Command, now time.Time) error {
	content, err := events.EncodeContent(c.Content)
	if err != nil {
		return fmt.Errorf("encode content: %w", err)
	}
	e := &o.event
	e.Facts = c.Facts(events.Command{Sender: c.Who.User, Digest: c.Digest})
	e.Type, e.Tenant, e.Room, e.Content, e.TraceParent = e.Facts.EventType(), c.Who.Tenant, c.Room, content, c.TraceParent
	e.Time, e.Expires = now, now.Add(s.PublishTimeout+position.ClockSkew)
	if c.Key != "" {
		e.ID = events.IdempotentID(c.Who.Tenant, c.Room, c.Who.User, c.Key)
	} else {
		e.ID = events.EventID(s.NewID(now))
	}
	return o.encode(e)
}

// complete gives the event what only the moment of sending says.
func complete(ctx context.Context, c *Command, o *outgoing) error {
	if c.Complete == nil {
		return nil
	}
	if err := c.Complete(ctx, c, events.MaxEvent-o.message.Size()); err != nil {
		return err
	}
	o.event.Facts = c.Facts(o.event.Facts.By())
	return o.encode(&o.event)
}

// publish gives the event to the log, and what the log has then to another command. Nil:
// its answer did not come in time, it may have the event or not. It waits whether the client
// does or not: what was handed over is in the log all the same, and to see who hangs up costs
// each send.
func (s *Service) publish(out *outgoing, arrived time.Time) (*events.Position, error) {
	start := s.Now()
	at, err := s.Log.PublishWithin(s.PublishTimeout-start.Sub(arrived), out.message)
	took := s.Now().Sub(start)
	switch {
	case err == nil:
		s.Observer.Published("acknowledged", took)
		s.Gate.Published(at)
		out.release()
		return &at, nil
	case errors.Is(err, eventlog.ErrUnknownOutcome):
		s.Observer.Published("unknown", took)
		return nil, nil
	}
	s.Observer.Published("failed", took)
	return nil, problem.Caused(problem.LogUnavailable, "the log does not take events now: nothing was written", err)
}
