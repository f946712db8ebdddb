package ephemeral

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	lobby = readmodel.Key{Tenant: "main", Room: "lobby"}
	alice = auth.Account{Tenant: "main", User: "alice"}
	bob   = auth.Account{Tenant: "main", User: "bob"}
)

// replica is an API process with someone who follows the lobby.
type replica struct {
	*Board
	sub  *live.Subscription
	stop context.CancelFunc
	done chan struct{}
}

func start(t *testing.T, bus *gochannel.GoChannel, name string) *replica {
	hub := live.NewHub(slog.New(slog.DiscardHandler), nil)
	r := &replica{Board: New(Config{
		Publisher: bus, Subscriber: bus, Topic: "t", Replica: name, Hub: hub, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
		Rooms: func(context.Context, auth.Account) ([]events.RoomID, error) { return []events.RoomID{"lobby"}, nil },
	}), sub: hub.Subscribe(lobby, 0), done: make(chan struct{})}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(t.Context())
	go func() {
		defer close(r.done)
		_ = r.Run(ctx) // that of the context
	}()
	synctest.Wait()
	return r
}

func (r *replica) end() {
	r.stop()
	<-r.done
}

// hears is what the one who follows was told since.
func (r *replica) hears(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	frames, _ := r.sub.Take()
	var got []string
	for _, f := range frames {
		var item struct {
			Presence string
			Typing   *bool
		}
		if err := json.Unmarshal(f.Item, &item); err != nil {
			t.Fatal(err)
		}
		if item.Typing != nil {
			item.Presence = fmt.Sprint(*item.Typing)
		}
		got = append(got, item.Presence)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s hears %v, want %v", r.Replica, got, want)
	}
}

func world(t *testing.T, test func(t *testing.T, one, two *replica)) {
	synctest.Test(t, func(t *testing.T) {
		bus := gochannel.NewGoChannel(gochannel.Config{BlockPublishUntilSubscriberAck: true}, watermill.NopLogger{})
		one, two := start(t, bus, "one"), start(t, bus, "two")
		test(t, one, two)
		one.end()
		two.end()
		_ = bus.Close()
	})
}

func TestTyping(t *testing.T) {
	world(t, func(t *testing.T, one, two *replica) {
		for range 5 {
			one.Typing(alice, "lobby", true)
		}
		one.hears(t, "true")
		two.hears(t, "true")
		one.Typing(alice, "lobby", false)
		two.hears(t, "false")
		one.Typing(alice, "other", true) // nobody follows it
		time.Sleep(throttle)
		one.Typing(alice, "lobby", false)
		two.hears(t, "false")
	})
}

func TestPresence(t *testing.T) {
	world(t, func(t *testing.T, one, two *replica) {
		one.Enter(alice)
		one.Enter(alice)
		two.hears(t, Online)
		two.Enter(alice)
		two.hears(t)
		if is := two.Of(alice); is.Presence != Online || is.LastSeen != 0 {
			t.Errorf("alice is %+v", is)
		}
		two.Enter(bob)
		one.hears(t, Online, Online)
		are := func(what string, p People, want ...events.UserID) {
			t.Helper()
			if got := p.After("", 10); !slices.Equal(got, want) || p.Most() < len(want) {
				t.Errorf("%s are %v of %d, want %v", what, got, p.Most(), want)
			}
		}
		are("here", one.Here("main"), "alice", "bob")
		are("here elsewhere", one.Here("other"))
		two.Leave(bob)
		time.Sleep(2 * grace)
		two.hears(t, Online, Offline)
		are("here", one.Here("main"), "alice")
		if here := one.Here("main"); !here.Has("alice") || here.Has("bob") || !one.Known("main").Has("bob") {
			t.Error("the wrong ones are here")
		}
		one.hears(t, Offline)
		one.Leave(alice)
		one.Leave(alice)
		two.Leave(alice)
		time.Sleep(grace / 2)
		two.Enter(alice) // back in time
		time.Sleep(2 * grace)
		two.hears(t)
		two.Leave(alice)
		time.Sleep(2 * grace)
		one.hears(t, Offline)
		two.hears(t, Offline)
		if is := one.Of(alice); is.Presence != Offline || is.LastSeen == 0 {
			t.Errorf("alice is %+v", is)
		}
		are("known", one.Known("main"), "alice", "bob")
		if first, rest := one.Known("main").After("", 1), one.Known("main").After("alice", 10); fmt.Sprint(first, rest) != "[alice] [bob]" {
			t.Errorf("known are %v, then %v", first, rest)
		}
		time.Sleep(memory + time.Minute)
		are("known after a day", one.Known("main"))
		if most := one.Known("main").Most(); most > 0 {
			t.Errorf("%d are known after a day", most)
		}
	})
}

// A replica that dies says nothing any more, and nobody stays there for good. One
// that starts learns who is there.
func TestPresenceOfADeadReplica(t *testing.T) {
	world(t, func(t *testing.T, one, two *replica) {
		one.Enter(alice)
		two.hears(t, Online)
		time.Sleep(10 * expiry)
		two.hears(t) // it is renewed
		one.end()
		time.Sleep(expiry + 2*tick)
		two.hears(t, Offline)
	})
}
