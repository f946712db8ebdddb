package ephemeral

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/live"
)

const (
	// throttle is how long the same of the same person and room is not told again.
	throttle = 3 * time.Second
	// grace is for how long someone without a connection is still taken to be there:
	// clients come back.
	grace = 10 * time.Second
	// renewal is how often a replica says who is there, expiry for how long that holds.
	renewal = 10 * time.Second
	expiry  = 30 * time.Second
	tick    = time.Second
	// memory is for how long it is known when someone was seen last.
	memory = 24 * time.Hour
	// roomsTimeout bounds the look at someone's rooms.
	roomsTimeout = 2 * time.Second
	// resubscribe is the pause before the topic is subscribed again.
	resubscribe = time.Second
	// chunk is how many people one message names.
	chunk = 1000
	queue = 256
)

// Config is what a board needs.
type Config struct {
	Publisher  message.Publisher
	Subscriber message.Subscriber
	Topic      string
	Replica    string // an id of this process
	Hub        *live.Hub
	// Rooms gives those of someone's rooms where it is told that they come and go.
	Rooms  func(context.Context, auth.Account) ([]events.RoomID, error)
	Logger *slog.Logger
	Now    func() time.Time
}

// Board knows who is there and tells who is typing. It is safe for concurrent use.
type Board struct {
	Config
	out chan told

	mu     sync.Mutex
	local  map[auth.Account]int       // connections to this replica
	going  map[auth.Account]time.Time // since when someone has none
	people map[auth.Account]*person
	// rosters have the same people in order.
	rosters map[events.Tenant]*roster
	typing  map[typist]telling
}

// person is someone who is there, or was.
type person struct {
	until map[string]time.Time // by replica
	seen  time.Time
	rooms []events.RoomID
}

type typist struct {
	auth.Account
	room events.RoomID
}

type telling struct {
	typing bool
	at     time.Time
}

// New makes a board; Run starts it.
func New(c Config) *Board {
	return &Board{
		Config: c, out: make(chan told, queue), local: map[auth.Account]int{}, going: map[auth.Account]time.Time{},
		people: map[auth.Account]*person{}, rosters: map[events.Tenant]*roster{}, typing: map[typist]telling{},
	}
}

// Typing tells a room that someone types there, or has stopped; the same again only
// after a while.
func (b *Board) Typing(who auth.Account, room events.RoomID, typing bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, now := typist{who, room}, b.Now()
	if last, ok := b.typing[k]; ok && last.typing == typing && now.Sub(last.at) < throttle {
		return
	}
	b.typing[k] = telling{typing, now}
	b.tell(told{Tenant: who.Tenant, Typing: &Typing{Room: room, User: who.User, Typing: typing}})
}

// Enter notes a connection of someone's, Leave its end.
func (b *Board) Enter(who auth.Account) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.local[who]++
	if _, back := b.going[who]; back {
		delete(b.going, who)
	} else if b.local[who] == 1 {
		b.tell(told{Tenant: who.Tenant, Change: &change{User: who.User, Online: true}})
	}
}

// Leave notes the end of a connection.
func (b *Board) Leave(who auth.Account) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.local[who]--; b.local[who] == 0 {
		delete(b.local, who)
		b.going[who] = b.Now()
	}
}

// tell queues what the others are told, unless that is too much already.
func (b *Board) tell(t told) {
	select {
	case b.out <- t:
	default:
	}
}

// Run tells and listens until ctx ends.
func (b *Board) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { b.listen(ctx); return nil })
	g.Go(func() error { b.speak(ctx); return nil })
	g.Go(func() error { b.watch(ctx); return nil })
	return g.Wait()
}

// speak publishes what is queued.
func (b *Board) speak(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-b.out:
			b.publish(ctx, t)
		}
	}
}

func (b *Board) publish(ctx context.Context, t told) {
	t.Replica = b.Replica
	key := b.Replica
	switch {
	case t.Typing != nil:
		key = events.Key(t.Tenant, t.Typing.Room)
	case t.Change != nil:
		bounded, cancel := context.WithTimeout(ctx, roomsTimeout)
		rooms, err := b.Rooms(bounded, auth.Account{Tenant: t.Tenant, User: t.Change.User})
		cancel()
		if err != nil {
			b.Logger.Debug("someone's rooms cannot be read: nobody is told that they come or go", "error", err)
		}
		t.Change.Rooms = rooms
	}
	m, err := newMessage(t, key)
	if err == nil {
		err = b.Publisher.Publish(b.Topic, m)
	}
	if err != nil {
		b.Logger.Debug("cannot tell what is ephemeral", "error", err)
	}
}

// listen takes what is told, and subscribes again when that ends.
func (b *Board) listen(ctx context.Context) {
	for ctx.Err() == nil {
		messages, err := b.Subscriber.Subscribe(ctx, b.Topic)
		if err == nil {
			for m := range messages {
				b.hear(m)
				m.Ack()
			}
		}
		if ctx.Err() == nil {
			b.Logger.Warn("what is ephemeral ended, subscribing again", "error", err)
			pause(ctx, resubscribe)
		}
	}
}

// hear takes what another replica tells; what is none of that says nothing.
func (b *Board) hear(m *message.Message) {
	var t told
	if err := json.Unmarshal(m.Payload, &t); err == nil {
		b.take(t)
	}
}

func (b *Board) take(t told) {
	switch {
	case t.Typing != nil:
		k := readmodel.Key{Tenant: t.Tenant, Room: t.Typing.Room}
		b.show(k, TypeTyping, t.Typing, k)
	case t.Change != nil:
		b.change(auth.Account{Tenant: t.Tenant, User: t.Change.User}, t.Replica, *t.Change)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range t.Here {
		if who, ok := account(s); ok {
			b.here(who, t.Replica)
		}
	}
}

// show gives it to those who follow one of the rooms.
func (b *Board) show(k readmodel.Key, typ events.Type, item any, rooms ...readmodel.Key) {
	f, err := live.NewEphemeral(k, typ, item)
	if err != nil {
		b.Logger.Error("what is ephemeral cannot be shown", "error", err)
		return
	}
	b.Hub.Tell(f, rooms...)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
