package command

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/limit"
	"github.com/roomlog/roomlog/services/chat/internal/live"
	"github.com/roomlog/roomlog/services/chat/internal/position"
)

// silent is a read model that never answers.
type silent struct{ readmodel.Store }

func (silent) Snapshot(ctx context.Context, _ func(readmodel.Reader) error, _ ...readmodel.Ahead) error {
	<-ctx.Done()
	return ctx.Err()
}

// courtesyWith makes one to which the timeline tells nothing where c does not say otherwise.
func courtesyWith(c Config) *courtesy {
	if c.Follower == nil {
		c.Follower = stuck{}
	}
	c.Gate = position.NewGate(stuck{}, stuck{})
	return newCourtesy(c)
}

// telling is a timeline that tells of the room's changes.
type telling struct {
	stuck
	changes *atomic.Uint64
}

func (t telling) Glance(readmodel.Key) live.Glance { return live.NewGlance(t.changes, 0) }

func (telling) Certain(live.Glance, events.Partition) bool { return true }

type judgements []string

func (*judgements) Published(string, time.Duration) {}
func (*judgements) Expired()                        {}
func (j *judgements) Judged(result string)          { *j = append(*j, result) }

// A client that hangs up says nothing of the database; one that does not answer
// in time is not asked again at once.
func TestHangingUpIsNotTheDatabasesFault(t *testing.T) {
	var seen judgements
	c := courtesyWith(Config{
		Store: silent{}, Now: time.Now, Observer: &seen, CourtesyTimeout: 20 * time.Millisecond,
		Unchecked: limit.New[auth.Account](limit.Policy{Rate: 1, Burst: 1}),
	})
	e := &events.Event{ID: "e", Tenant: "main", Room: "lobby", Facts: events.MessagePosted{Command: events.Command{Sender: "ann"}}}
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	if _, err := c.look(gone, &Command{}, e); err == nil {
		t.Error("the command goes on without its client")
	}
	if !c.breaker.Allows(time.Now()) {
		t.Fatal("the database is not asked because a client has hung up")
	}
	if _, err := c.look(t.Context(), &Command{}, e); err != nil {
		t.Errorf("a send fails with the database: %v", err)
	}
	if c.breaker.Allows(time.Now()) {
		t.Error("a database that does not answer is asked again at once")
	}
}

// That someone may post is known of texts as long as the room allows.
func TestTrustEndsAtTheRoomsLimit(t *testing.T) {
	c := courtesyWith(Config{Now: time.Now})
	who := poster{user: "ann"}
	c.posters.Add(who, newTrust(time.Now(), opinion{limit: 10}))
	for _, tc := range []struct {
		facts events.Facts
		want  bool
	}{
		{events.MessagePosted{TextBytes: 10}, true},
		{events.MessagePosted{TextBytes: 11}, false},
		{events.MessagePosted{TextBytes: 1, ReplyTo: "x"}, false},
		{events.MemberChanged{}, false},
	} {
		if got := c.trust(who, &events.Event{Time: time.Now(), Facts: tc.facts}) != nil; got != tc.want {
			t.Errorf("%+v: trusted %v", tc.facts, got)
		}
	}
}

// slow is a read model that answers when it is told to: whether ann is in the room.
type slow struct {
	readmodel.Store
	readmodel.Reader
	asked  chan struct{}
	answer chan bool
	panics bool
}

func (s slow) Snapshot(_ context.Context, read func(readmodel.Reader) error, _ ...readmodel.Ahead) error {
	s.asked <- struct{}{}
	return read(s)
}

func (s slow) View(context.Context, readmodel.Key, room.Needs) (*room.View, error) {
	if s.panics {
		panic("cannot judge it")
	}
	v := room.NewView()
	v.Header = &room.Header{Tenant: "main", Room: "lobby", Kind: events.RoomPublic, Rules: room.Rules}
	if <-s.answer {
		v.Members["ann"] = room.Member{User: "ann", Membership: events.MembershipJoin, Role: events.RoleMember}
	}
	return v, nil
}

// post has a look for a message in the lobby, which is to be published.
func post(t *testing.T, c *courtesy, user events.UserID) {
	t.Helper()
	e := &events.Event{
		ID: "e", Type: events.TypeMessagePosted, Tenant: "main", Room: "lobby", Time: c.Now(), Expires: c.Now().Add(time.Minute),
		Facts: events.MessagePosted{Command: events.Command{Sender: user}, Kind: "text", TextBytes: 1},
	}
	if known, err := c.look(t.Context(), &Command{Who: auth.Identity{Tenant: "main", User: user}}, e); err != nil || known != nil {
		t.Fatalf("look gives %v, %v", known, err)
	}
}

// Who goes on writing is looked up anew before the trust ends, and no message waits for it.
func TestTrustIsRenewedBesideMessages(t *testing.T) {
	var seen judgements
	now := time.Unix(1_700_000_000, 0)
	store := slow{asked: make(chan struct{}, 1), answer: make(chan bool, 1)}
	c := courtesyWith(Config{Store: store, Now: func() time.Time { return now }, Observer: &seen, CourtesyTimeout: time.Minute})
	send := func() { t.Helper(); post(t, c, "ann") }
	asked := func() int { return len(store.asked) }
	ended := func() { _ = c.renewals.Wait() } // of what looks anew

	store.answer <- true
	send()
	<-store.asked
	now = now.Add(trusted - renewed)
	send()
	if asked() != 0 {
		t.Fatal("the read model is asked while there is time")
	}
	now = now.Add(renewed / 2)
	send() // nobody has answered
	<-store.asked
	send()
	if asked() != 0 {
		t.Fatal("the read model is asked twice for the same")
	}
	store.answer <- true
	ended()
	now = now.Add(renewed)
	send() // the first trust is over
	now = now.Add(trusted - renewed*3/2)
	send()
	<-store.asked
	store.answer <- false
	ended()
	if c.posters.Len() != 0 {
		t.Error("who was removed is still trusted")
	}
	if want := (judgements{"allowed", "cached", "cached", "cached", "cached", "cached"}); !slices.Equal(seen, want) {
		t.Errorf("the looks were %q, want %q", seen, want)
	}
}

// Where the timeline tells of changes, who goes on writing is looked up anew after lookedUp,
// and not before, unless there was one: then the next message waits for it.
func TestTrustHoldsUntilAChange(t *testing.T) {
	var seen judgements
	begun := time.Unix(1_700_000_000, 0)
	now := begun
	store := slow{asked: make(chan struct{}, 1), answer: make(chan bool, 1)}
	changes := new(atomic.Uint64)
	c := courtesyWith(Config{
		Store: store, Follower: telling{changes: changes}, Now: func() time.Time { return now }, Observer: &seen, CourtesyTimeout: time.Minute,
	})
	allow := func() { store.answer <- true }
	allow()
	post(t, c, "ann")
	<-store.asked
	for now.Sub(begun) < lookedUp-renewed {
		now = now.Add(renewed * 9 / 10)
		post(t, c, "ann")
	}
	if len(store.asked) != 0 {
		t.Fatal("the read model is asked though nothing has changed")
	}
	for now.Sub(begun) <= lookedUp {
		now = now.Add(renewed * 9 / 10)
	}
	allow()
	post(t, c, "ann")
	<-store.asked
	_ = c.renewals.Wait()
	if got := seen[len(seen)-1]; got != "cached" {
		t.Errorf("after %v the look is %q, want one beside the message", lookedUp, got)
	}
	changes.Add(1)
	allow()
	post(t, c, "ann")
	<-store.asked
	if got := seen[len(seen)-1]; got != "allowed" {
		t.Errorf("after a change the look is %q, want one at the read model", got)
	}
}

// A change that the timeline tells of while the read model is asked may not be in the answer.
func TestTrustDoesNotHoldOverAChange(t *testing.T) {
	var seen judgements
	store := slow{asked: make(chan struct{}, 1), answer: make(chan bool)}
	changes := new(atomic.Uint64)
	c := courtesyWith(Config{Store: store, Follower: telling{changes: changes}, Now: time.Now, Observer: &seen, CourtesyTimeout: time.Minute})
	for range 2 {
		go func() {
			<-store.asked
			changes.Add(1)
			store.answer <- true
		}()
		post(t, c, "ann")
	}
	if want := (judgements{"allowed", "allowed"}); !slices.Equal(seen, want) {
		t.Errorf("the looks were %q, want %q", seen, want)
	}
}

// Where the database is too slow for all who are to be looked up anew, who goes on writing
// does not wait for it, but not for ever.
func TestTrustLastsLongerWhereTheDatabaseIsSlow(t *testing.T) {
	var seen judgements
	begun, passed := time.Unix(1_700_000_000, 0), new(atomic.Int64)
	now := func() time.Time { return begun.Add(time.Duration(passed.Load())) }
	store := slow{asked: make(chan struct{}, 2*renewalsMax), answer: make(chan bool)}
	c := courtesyWith(Config{Store: store, Now: now, Observer: &seen, CourtesyTimeout: time.Minute})
	users := []events.UserID{"ann"}
	for i := range renewalsMax {
		users = append(users, events.UserID("bob-"+strconv.Itoa(i)))
	}
	for _, u := range users {
		c.posters.Add(poster{readmodel.Key{Tenant: "main", Room: "lobby"}, u}, newTrust(begun, opinion{limit: 1}))
	}
	passed.Store(int64(trusted - renewed/2))
	for _, u := range slices.Backward(users) { // ann last: all places are taken
		post(t, c, u)
	}
	for passed.Load() < int64(trustedLongest-renewed) {
		passed.Add(int64(renewed * 9 / 10))
		post(t, c, "ann")
	}
	for range renewalsMax {
		<-store.asked
	}
	if len(store.asked) != 0 {
		t.Error("more are looked up anew at a time than may be")
	}
	passed.Store(int64(trustedLongest))
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		<-store.asked
		for range renewalsMax { // which have waited for longer
			store.answer <- true
		}
		store.answer <- true
	}()
	post(t, c, "ann")
	<-answered
	_ = c.renewals.Wait()
	if got := seen[len(seen)-1]; got != "allowed" {
		t.Errorf("after %v the look is %q, want one at the database", trustedLongest, got)
	}
}

// A panic beside a message ends nothing else, and the trust.
func TestPanicWhileTrustIsRenewed(t *testing.T) {
	var seen judgements
	now := time.Now()
	c := courtesyWith(Config{
		Store: slow{asked: make(chan struct{}, 1), panics: true}, Now: func() time.Time { return now },
		Observer: &seen, CourtesyTimeout: time.Minute, Logger: slog.New(slog.DiscardHandler),
	})
	who := poster{user: "ann"}
	c.posters.Add(who, newTrust(now, opinion{limit: 1}))
	now = now.Add(trusted - renewed/2)
	e := &events.Event{ID: "e", Time: now, Facts: events.MessagePosted{Command: events.Command{Sender: "ann"}, TextBytes: 1}}
	if _, err := c.look(t.Context(), &Command{Who: auth.Identity{User: "ann"}}, e); err != nil {
		t.Fatal(err)
	}
	_ = c.renewals.Wait()
	if c.posters.Len() != 0 {
		t.Error("who could not be judged is still trusted")
	}
}
