// Package crowd is many people who write at once: the load under which programs
// are killed, and the memory of what each of them was told.
//
// A [Crowd] writes into a [checker.History]; [Crowd.Survey] reads everything back
// in every way there is and checks it. Each person is one goroutine with one
// command in flight, as a client that wants its order kept is. What was not
// answered is sent again under the same key, at once, later or by [Crowd.Resend].
package crowd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/checker"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
)

// owner makes the rooms and reads them; they write nothing.
const owner = events.UserID("owner")

// Config says who writes where.
type Config struct {
	// Writers is how many people there are, each in the hot room and in one of
	// the SideRooms. One for each room writes there only, so that the room's
	// [Pulse] shows that room; of the others every fourth leaves their side room
	// now and then.
	Writers, SideRooms int
	// Prefix begins the names of rooms, people and keys, so that several crowds
	// may use one server.
	Prefix string
	// Seed makes the choices of all people; what the server and the scheduler do
	// remains chance.
	Seed uint64
	// Token makes a person's token.
	Token func(events.UserID) string
	// Pace is the pause between two commands of a person; zero: none.
	Pace time.Duration
	// Deadline is how long a person waits for an answer. An answer that takes
	// longer is a failure of the server ([Crowd.Slowest]), not an unknown outcome.
	Deadline time.Duration
	// Silent, where it is set, is told which server has not answered in time.
	Silent func(server string)
}

// Crowd is the people, their rooms and what they were told. Its methods are not
// to be called at the same time, but for Acked, Pulse and SetServers.
type Crowd struct {
	cfg     Config
	history *checker.History
	state   checker.State
	pulse   *Pulse
	rooms   []events.RoomID
	people  []*person
	base    *client.Client // of the owner; the others share its connections
	rng     *rand.Rand

	servers atomic.Pointer[[]string]

	mu       sync.Mutex
	problems map[string]int // refusals, by code
	slowest  time.Duration
	oddities []error
}

// New makes a crowd; [Crowd.SetServers] comes next.
func New(cfg Config) *Crowd {
	c := &Crowd{
		cfg: cfg, history: checker.NewHistory(), state: checker.State{}, pulse: newPulse(),
		rng: rand.New(rand.NewPCG(cfg.Seed, 1<<63)), problems: map[string]int{},
	}
	c.base = client.New("", cfg.Token(c.user(owner)))
	for i := range cfg.SideRooms + 1 {
		c.rooms = append(c.rooms, events.RoomID(fmt.Sprintf("%s-room-%d", cfg.Prefix, i)))
	}
	for i := range cfg.Writers {
		c.people = append(c.people, c.newPerson(i))
	}
	return c
}

// SetServers tells where the API is served. Everyone uses all of the addresses.
func (c *Crowd) SetServers(urls ...string) { c.servers.Store(&urls) }

// Rooms are the crowd's rooms; the first is the hot one.
func (c *Crowd) Rooms() []events.RoomID { return c.rooms }

// Acked counts the commands that were acknowledged.
func (c *Crowd) Acked() int { return c.history.Acked() }

// Sent counts the commands.
func (c *Crowd) Sent() int { return c.history.Len() }

// Repeated counts the commands that were sent more than once.
func (c *Crowd) Repeated() int { return c.history.Repeated() }

// Pulse tells how steadily acknowledgements come.
func (c *Crowd) Pulse() *Pulse { return c.pulse }

// Owner is the client of the one who sees all rooms, at the i-th server.
func (c *Crowd) Owner(i int) *client.Client { return c.base.At(c.server(i)) }

// Slowest is the longest that an answer has taken since the last call.
func (c *Crowd) Slowest() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.slowest
	c.slowest = 0
	return d
}

// Problems counts the refusals, by code, and [NotKnown].
func (c *Crowd) Problems() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.problems)
}

// Oddities are answers that no right server gives: malformed ones, internal
// errors, requests without any answer until their deadline.
func (c *Crowd) Oddities() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.oddities
}

// Close ends idle connections.
func (c *Crowd) Close() { c.base.Close() }

// Setup makes the rooms and lets everyone join.
func (c *Crowd) Setup(ctx context.Context) error {
	boss := &person{crowd: c, user: c.user(owner), client: c.base, rng: c.rng, pending: map[events.RoomID][]checker.Command{}}
	for i, room := range c.rooms {
		cmd := checker.Command{Room: room, User: boss.user, Key: fmt.Sprintf("create-%d", i), Kind: checker.Creation}
		if err := boss.insist(ctx, cmd); err != nil {
			return fmt.Errorf("create room %s: %w", room, err)
		}
	}
	return c.everyone(ctx, func(ctx context.Context, p *person) error {
		for _, room := range []events.RoomID{c.rooms[0], p.side} {
			if err := p.insist(ctx, p.joinCommand(room)); err != nil {
				return fmt.Errorf("%s joins %s: %w", p.user, room, err)
			}
		}
		return nil
	})
}

// Run lets everyone write until ctx ends. A command in flight is finished.
func (c *Crowd) Run(ctx context.Context) {
	_ = c.everyone(ctx, func(ctx context.Context, p *person) error {
		for ctx.Err() == nil {
			p.step(ctx)
			p.pause(ctx, c.cfg.Pace)
		}
		return nil
	})
}

// Resend sends every command that has no answer yet again, until it has one.
func (c *Crowd) Resend(ctx context.Context) error {
	err := c.everyone(ctx, func(ctx context.Context, p *person) error { return p.resendAll(ctx) })
	if open := c.history.Unanswered(); err == nil && len(open) > 0 {
		return fmt.Errorf("%d commands have no answer, the first: %+v", len(open), open[0])
	}
	return err
}

func (c *Crowd) everyone(ctx context.Context, do func(context.Context, *person) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range c.people {
		g.Go(func() error { return do(ctx, p) })
	}
	return g.Wait()
}

func (c *Crowd) user(name events.UserID) events.UserID {
	return events.UserID(c.cfg.Prefix) + "-" + name
}

// server is one of the addresses.
func (c *Crowd) server(i int) string {
	urls := *c.servers.Load()
	return urls[i%len(urls)]
}

func (c *Crowd) odd(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.oddities) < 20 {
		c.oddities = append(c.oddities, err)
	}
}

func (c *Crowd) answered(d time.Duration, code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slowest = max(c.slowest, d)
	if code != "" {
		c.problems[code]++
	}
}

var errNoAnswer = errors.New("no answer within the deadline")
