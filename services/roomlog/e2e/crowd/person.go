package crowd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/checker"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
)

// retryPause is the pause before the server is asked again that did not answer.
const retryPause = 20 * time.Millisecond

// maxText is the longest text, in bytes, beside what makes it unique.
const maxText = 400

// person is one writer. All is their own: nothing is locked.
type person struct {
	crowd   *Crowd
	user    events.UserID
	client  *client.Client
	rng     *rand.Rand
	side    events.RoomID
	pinned  events.RoomID // the only room that they write to; empty: both
	mover   bool
	outside bool // of the side room
	sent    int

	// pending has the messages without an answer, by room, in the order of their
	// sending; moving is a change of membership without one: until it is answered
	// the person does not know where they stand, and does nothing else there.
	pending map[events.RoomID][]checker.Command
	moving  *checker.Command

	// answered has some messages that were acknowledged: they are sent again now
	// and then, as by a client that lost its memory, which must change nothing.
	answered [16]checker.Command
}

func (c *Crowd) newPerson(i int) *person {
	user := c.user(events.UserID(fmt.Sprintf("w%d", i)))
	p := &person{
		crowd: c, user: user, client: c.base.As(c.cfg.Token(user)), rng: rand.New(rand.NewPCG(c.cfg.Seed, uint64(i))),
		side: c.rooms[1+i%(len(c.rooms)-1)], pending: map[events.RoomID][]checker.Command{},
	}
	switch {
	case i < c.cfg.SideRooms:
		p.pinned = p.side
	case i == c.cfg.SideRooms:
		p.pinned = c.rooms[0]
	default:
		p.mover = i%4 == 3
	}
	return p
}

// step sends one command.
func (p *person) step(ctx context.Context) {
	room := p.crowd.rooms[0]
	if p.rng.IntN(2) == 0 {
		room = p.side
	}
	if p.pinned != "" {
		room = p.pinned
	}
	switch {
	case room == p.side && p.moving != nil:
		p.move(ctx, *p.moving)
	case len(p.pending[room]) > 0 && (len(p.pending[room]) > 3 || p.rng.IntN(2) == 0):
		p.resend(ctx, room)
	case room == p.side && p.mover && p.rng.IntN(8) == 0:
		cmd := p.joinCommand(room)
		if !p.outside {
			cmd.Key = p.key("leave")
		}
		p.move(ctx, cmd)
	case p.rng.IntN(20) == 0:
		if c := p.answered[p.rng.IntN(len(p.answered))]; c.Key != "" {
			p.try(ctx, c)
		}
	default:
		p.post(ctx, p.message(room))
	}
}

func (p *person) key(kind string) string {
	p.sent++
	return fmt.Sprintf("%s-%d", kind, p.sent)
}

func (p *person) message(room events.RoomID) checker.Command {
	key := p.key("msg")
	c := checker.Command{
		Room: room, User: p.user, Key: key, Kind: checker.Message, Expect: checker.MustAccept,
		Body: fmt.Sprintf("%s by %s %s", key, p.user, strings.Repeat("ä", p.rng.IntN(maxText/2))),
	}
	if room == p.side && p.outside {
		c.Expect = checker.MustReject
	}
	return c
}

func (p *person) joinCommand(room events.RoomID) checker.Command {
	return checker.Command{Room: room, User: p.user, Key: p.key("join"), Kind: checker.Membership}
}

// post sends a message and keeps it for later where there is no answer.
func (p *person) post(ctx context.Context, c checker.Command) {
	if !p.try(ctx, c) {
		p.pending[c.Room] = append(p.pending[c.Room], c)
		return
	}
	if c.Expect == checker.MustAccept { // so it was; from outside the room too it must be answered alike
		p.answered[p.rng.IntN(len(p.answered))] = c
	}
}

// resend sends the oldest message without an answer again.
func (p *person) resend(ctx context.Context, room events.RoomID) {
	c := p.pending[room][0]
	if p.mover && room == p.side {
		// They may have left and come back since the first sending.
		c.Expect = checker.MayReject
	}
	if p.try(ctx, c) {
		p.pending[room] = p.pending[room][1:]
	}
}

// move joins or leaves the side room.
func (p *person) move(ctx context.Context, c checker.Command) {
	if !p.try(ctx, c) {
		p.moving = &c
		return
	}
	p.moving = nil
	p.outside = isLeave(c)
}

func isLeave(c checker.Command) bool { return strings.HasPrefix(c.Key, "leave") }

// resendAll sends what has no answer again, until it has.
func (p *person) resendAll(ctx context.Context) error {
	for ctx.Err() == nil {
		switch {
		case p.moving != nil:
			p.move(ctx, *p.moving)
		case len(p.pending[p.side]) > 0:
			p.resend(ctx, p.side)
		case len(p.pending[p.crowd.rooms[0]]) > 0:
			p.resend(ctx, p.crowd.rooms[0])
		default:
			return nil
		}
	}
	return ctx.Err()
}

// insist sends a command until it is answered.
func (p *person) insist(ctx context.Context, c checker.Command) error {
	for ctx.Err() == nil {
		if p.try(ctx, c) {
			return nil
		}
	}
	return ctx.Err()
}

// pause waits; it returns at once when ctx ends.
func (p *person) pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
