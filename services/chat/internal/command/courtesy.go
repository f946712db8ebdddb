package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/breaker"
	"github.com/roomlog/roomlog/services/chat/internal/live"
)

const (
	// trusted is for how long it counts that someone was allowed to post, as long as the
	// timeline tells of no change in the room. The fold decides all the same.
	trusted = 5 * time.Second
	// lookedUp is for how long it goes on counting where it is certain that the timeline
	// would have told of a change.
	lookedUp = 25 * time.Second
	// renewed is how long before that ends a message has it looked up anew, and does not
	// wait: it counts for as long again, so who writes every second does not wait for the
	// database.
	renewed = time.Second
	// trustedLongest is for how long it counts at most since it was looked up: a slow database
	// may have more of them to look up anew than it can.
	trustedLongest = 30 * time.Second
	// trustedMax is how many of them are remembered.
	trustedMax = 64 << 10
	// renewalsMax is how many are looked up anew at a time.
	renewalsMax = 4
)

// errNotThere says that the read model has not come to the log's end.
var errNotThere = errors.New("the read model has not reached the log's end")

// courtesy is the look at the read model before a command is published.
type courtesy struct {
	Config
	breaker  breaker.Breaker
	posters  *lru.Cache[poster, *trust] // who may post where
	renewals errgroup.Group             // those under way
}

type poster struct {
	key  readmodel.Key
	user events.UserID
}

// trust is that someone was allowed to post.
type trust struct {
	glance   live.Glance
	looked   time.Time    // when
	until    atomic.Int64 // it counts; in nanoseconds since looked
	limit    int          // bytes that a text may have in the room
	renewing atomic.Bool  // it is looked up anew
}

func newTrust(looked time.Time, o opinion) *trust {
	t := &trust{glance: o.glance, looked: looked, limit: o.limit}
	t.until.Store(int64(trusted))
	return t
}

// left is for how long it still counts.
func (t *trust) left(now time.Time) time.Duration {
	return time.Duration(t.until.Load()) - now.Sub(t.looked)
}

// prolong has it count for as long as it takes to be looked up anew.
func (t *trust) prolong(now time.Time) {
	t.until.Store(int64(min(now.Sub(t.looked)+renewed, trustedLongest)))
}

func newCourtesy(c Config) *courtesy {
	posters, err := lru.New[poster, *trust](trustedMax)
	if err != nil {
		panic(err) // the size is a constant above zero
	}
	made := &courtesy{Config: c, posters: posters}
	made.renewals.SetLimit(renewalsMax)
	return made
}

// look asks the fold what it would say of e. It gives the outcome of an earlier
// sending of the same command, or the problem with which the fold would reject
// it; nil and nil: publish it.
func (c *courtesy) look(ctx context.Context, cmd *Command, e *events.Event) (*readmodel.Outcome, error) {
	key := readmodel.Key{Tenant: e.Tenant, Room: e.Room}
	who := poster{key, cmd.Who.User}
	if cmd.Key == "" {
		if t := c.trust(who, e); t != nil {
			c.Observer.Judged("cached")
			if t.left(e.Time) < renewed {
				t.prolong(e.Time)
				if e.Time.Sub(t.looked) > lookedUp || !c.Follower.Certain(t.glance, c.Gate.PartitionOf(e.Tenant, e.Room)) {
					c.renew(ctx, who, t, cmd, *e)
				}
			}
			return nil, nil
		}
	}
	return c.judge(ctx, key, who, cmd, e)
}

// judge is look for who is not trusted.
func (c *courtesy) judge(ctx context.Context, key readmodel.Key, who poster, cmd *Command, e *events.Event) (*readmodel.Outcome, error) {
	if !c.breaker.Allows(c.Now()) {
		return nil, c.skip(cmd)
	}
	o, err := c.consult(ctx, key, *cmd, e)
	if err != nil {
		if ctx.Err() != nil {
			c.Observer.Judged("skipped")
			return nil, ctx.Err()
		}
		return nil, c.skip(cmd)
	}
	if o.verdict.Status == room.Rejected && o.verdict.Code != room.CodeKeyReused {
		confirmed, err := c.confirm(ctx, key, cmd, e)
		if err != nil {
			return nil, err
		}
		// Where nobody can say it in time the log decides, but for what is hidden: it
		// would decide otherwise.
		if confirmed.verdict.Status != room.Parked || !o.hidden {
			o = confirmed
		}
	}
	return c.conclude(o, who, cmd, e)
}

// skip lets a command pass of which nobody can say whether it may: anyone with a
// token could fill the log so, and is given less.
func (c *courtesy) skip(cmd *Command) error {
	c.Observer.Judged("skipped")
	return c.Unchecked.Take(cmd.Who.Account(), c.Now()).Err()
}

func (c *courtesy) conclude(o opinion, who poster, cmd *Command, e *events.Event) (*readmodel.Outcome, error) {
	switch o.verdict.Status {
	case room.Rejected:
		c.posters.Remove(who)
		c.Observer.Judged("refused")
		return nil, rejected(o.verdict.Code, o.wait)
	case room.Duplicate:
		c.Observer.Judged("repeated")
		return o.first, nil
	case room.Accepted:
		if _, ok := e.Facts.(events.MessagePosted); ok {
			c.know(who, o)
		}
		c.Observer.Judged("allowed")
	case room.Parked:
		return nil, c.skip(cmd)
	}
	return nil, nil
}

// know remembers that someone may post, or forgets it.
func (c *courtesy) know(who poster, o opinion) {
	if o.verdict.Status == room.Accepted && !o.slow {
		c.posters.Add(who, newTrust(c.Now(), o))
	} else {
		c.posters.Remove(who)
	}
}

// renew looks whether someone may still post, beside the message that they are trusted
// with. A refusal is only for the next one to ask for, who waits until it is certain.
func (c *courtesy) renew(ctx context.Context, who poster, t *trust, cmd *Command, e events.Event) {
	if !t.renewing.CompareAndSwap(false, true) {
		return
	}
	ctx, of := context.WithoutCancel(ctx), *cmd
	begun := c.renewals.TryGo(func() error {
		defer func() {
			if r := recover(); r != nil { // of judging: the next message meets it in its request
				c.posters.Remove(who)
				c.Logger.Error("looking whether somebody may still post", "error", fmt.Errorf("panic: %v", r), "tenant", who.key.Tenant, "room_id", who.key.Room, "user_id", who.user)
			}
			t.renewing.Store(false)
		}()
		if !c.breaker.Allows(c.Now()) {
			return nil
		}
		if o, err := c.consult(ctx, who.key, of, &e); err == nil {
			c.know(who, o)
		}
		return nil
	})
	if !begun {
		t.renewing.Store(false)
	}
}

// confirm looks again at a state that is at least as new as the partition's end
// at arrival and the request's position. Where there is none in time, or an event
// of the room is parked, the fold has to say it. An error is the problem of a
// position that the log does not have.
func (c *courtesy) confirm(ctx context.Context, key readmodel.Key, cmd *Command, e *events.Event) (opinion, error) {
	appendIt := opinion{verdict: room.Verdict{Status: room.Parked}}
	bounded, cancel := context.WithTimeout(ctx, c.CatchUp)
	defer cancel()
	ends, err := c.Gate.Ends(bounded)
	if err != nil {
		return appendIt, nil // the log decides
	}
	if err := c.Gate.Verify(bounded, cmd.Position); err != nil {
		return appendIt, err
	}
	p := c.Gate.PartitionOf(key.Tenant, key.Room)
	want := ends[p]
	if next, ok := cmd.Position.Next(p); ok {
		want = max(want, next)
	}
	if c.Follower.WaitFolded(bounded, p, want) != nil {
		return appendIt, nil
	}
	o, err := c.ask(ctx, key, *cmd, e, want)
	// A blocked room is as old as it is; but who cannot see it must not learn that
	// it is there because it is blocked.
	if err != nil || o.blocked && o.verdict.Code != room.CodeRoomNotFound && o.verdict.Code != room.CodeRoomIDTaken {
		return appendIt, nil // the log decides
	}
	return o, nil
}

// opinion is what the fold would say.
type opinion struct {
	verdict room.Verdict
	// first is the outcome of the earlier sending, where e is a duplicate.
	first *readmodel.Outcome
	// blocked says that an event of the room is parked: the state is old.
	blocked bool
	// limit is how many bytes a text may have in the room.
	limit int
	// hidden says that it is about what the sender may not see: the log would decide
	// otherwise.
	hidden bool
	// slow says that the room is in slow mode: each message has to be judged.
	slow bool
	// wait is how long slow mode has the sender wait.
	wait time.Duration
	// glance is of the room, before the look.
	glance live.Glance
}

// consult asks for what the read model shows now, and says whether it works.
func (c *courtesy) consult(ctx context.Context, key readmodel.Key, cmd Command, e *events.Event) (opinion, error) {
	o, err := c.ask(ctx, key, cmd, e, 0)
	switch {
	case err == nil:
		c.breaker.Worked()
	case ctx.Err() == nil: // else the client has hung up: that says nothing of the database
		c.breaker.Failed(c.Now())
	}
	return o, err
}

// ask runs the fold on what the read model shows, which must have folded
// everything below want (zero: anything).
func (c *courtesy) ask(ctx context.Context, key readmodel.Key, cmd Command, e *events.Event, want events.Offset) (o opinion, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.CourtesyTimeout)
	defer cancel()
	glance := c.Follower.Glance(key)
	err = c.Store.Snapshot(ctx, func(r readmodel.Reader) error {
		o = opinion{glance: glance}
		if want > 0 {
			cp, ok, err := r.Checkpoint(ctx, c.Gate.PartitionOf(key.Tenant, key.Room))
			switch {
			case err != nil:
				return err
			case !ok || cp.Log != c.LogID || cp.Next < want:
				return errNotThere
			}
			if _, o.blocked, err = r.Blocked(ctx, key); err != nil {
				return err
			}
		}
		view, first, err := load(ctx, r, key, e, cmd.Key != "")
		if err != nil {
			return err
		}
		if o.hidden, err = c.hide(ctx, r, &cmd, view, e); err != nil {
			return err
		}
		_, o.verdict = room.Apply(view, e, c.Now())
		o.first = first
		if o.limit = events.MaxText; view.Header != nil {
			o.limit = cmp.Or(view.Header.Settings.MaxMessageLength, o.limit)
			o.slow = view.Header.Settings.SlowMode > 0
			o.wait = slowMode(view, cmd.Who.User, c.Now())
		}
		return nil
	})
	return o, err
}

// hide takes the messages that e names and its sender may not see out of the view:
// whatever is refused, it is refused as if they were not there, as far as the read
// model shows that: the fold does not know.
func (c *courtesy) hide(ctx context.Context, r readmodel.Reader, cmd *Command, v *room.View, e *events.Event) (hides bool, err error) {
	for id := range v.Priors {
		if id == e.ID {
			continue
		}
		st, err := cmd.standing(ctx, r, c.Now())
		if err != nil {
			return false, err
		}
		hidden, err := st.Hides(ctx, r, id)
		if err != nil {
			return false, err
		}
		if hidden {
			delete(v.Priors, id)
			hides = true
		}
	}
	return hides, nil
}

// load reads the view that judging e takes. Whether the id of e is taken is
// looked up where it may be.
func load(ctx context.Context, r readmodel.Reader, key readmodel.Key, e *events.Event, keyed bool) (*room.View, *readmodel.Outcome, error) {
	needs := room.NeedsOf(e)
	needs.Priors = slices.DeleteFunc(needs.Priors, func(id events.EventID) bool { return id == e.ID })
	view, err := r.View(ctx, key, needs)
	if err != nil {
		return nil, nil, err
	}
	if !keyed {
		return view, nil, nil
	}
	first, ok, err := r.Outcome(ctx, key, e.ID)
	if err != nil || !ok || !(room.Verdict{Status: first.Status, Code: first.Code}).Binds() {
		return view, nil, err
	}
	view.Priors[e.ID] = room.Prior{Type: first.Type, Sender: first.Sender, Digest: first.Digest, Seq: first.Seq, Code: first.Code}
	return view, &first, nil
}

// trust is what is known of it that the sender may post this: a message over which only
// the membership and the text's length decide; nil: nothing.
func (c *courtesy) trust(p poster, e *events.Event) *trust {
	m, ok := e.Facts.(events.MessagePosted)
	if !ok || m.ReplyTo != "" || m.ThreadRoot != "" || m.MentionsRoom || m.MentionsHere {
		return nil
	}
	t, ok := c.posters.Get(p)
	if !ok || !t.glance.Holds() || t.left(e.Time) <= 0 || m.TextBytes > t.limit {
		return nil
	}
	return t
}
