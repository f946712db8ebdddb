package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/clients/go/sse"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/listener"
)

// lastWord is the message with which a listener has everything.
const lastWord = "over"

// streams follows at two replicas what is written through both.
func (d *deployment) streams(t *testing.T) {
	t.Run("Killed", d.followKilled)
	t.Run("Membership", d.followBanned)
	t.Run("Ephemeral", d.followEphemeral)
}

// open makes a room that its owner and others are members of, and gives a client
// for each, the owner's first.
func (d *deployment) open(ctx context.Context, t *testing.T, url string, room events.RoomID, members ...events.UserID) []*client.Client {
	t.Helper()
	wait := client.Command{Wait: 10 * time.Second}
	all := make([]*client.Client, len(members))
	for i, user := range members {
		c := client.New(url, d.token(t, user))
		t.Cleanup(c.Close)
		all[i] = c
		var err error
		if i == 0 {
			_, err = c.PutRoom(ctx, room, client.NewRoom{Kind: events.RoomPublic}, wait)
		} else {
			_, err = c.PutMember(ctx, room, user, events.MembershipJoin, wait)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// followKilled kills a replica that is written to and followed. Listeners that are
// cut, by that or by themselves, go on at the other one: they have everything once,
// in order.
func (d *deployment) followKilled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	const room, writers, messages = "followed", 4, 60
	doomed := d.startChat(t)
	urls := []string{d.urls[0], doomed.MustReady(t)}
	people := d.open(ctx, t, urls[0], room, "alice", "bob")
	alice, bob := people[0], people[1]

	var rooms json.RawMessage
	if err := bob.Get(ctx, "/v1/rooms", nil, &rooms); err != nil {
		t.Fatal(err)
	}
	everything := bob.Position() // a cursor over all rooms
	var all []*listener.Listener
	for i := range urls {
		for _, cut := range []int{0, 7} {
			from := []string{urls[i], urls[1-i]}
			all = append(all,
				&listener.Listener{Client: bob, URLs: from, Path: listener.Room(room), Cursor: "2", Cut: cut, Until: lastWord},
				&listener.Listener{Client: bob, URLs: from, Path: listener.Everything, Cursor: everything, Cut: cut, Until: lastWord})
		}
	}
	listening, lctx := errgroup.WithContext(ctx)
	for _, l := range all {
		listening.Go(func() error { return l.Run(lctx) })
	}
	var said atomic.Int64
	writing, wctx := errgroup.WithContext(ctx)
	for i := range writers {
		writing.Go(func() error {
			for n := range messages {
				if err := insist(wctx, alice, urls, i+n, room, fmt.Sprintf("%d-%d", i, n)); err != nil {
					return err
				}
				if said.Add(1) == writers*messages/2 {
					doomed.Kill9()
				}
			}
			return nil
		})
	}
	if err := errors.Join(writing.Wait(), insist(ctx, alice, urls[:1], 0, room, lastWord), listening.Wait()); err != nil {
		t.Fatal(err)
	}
	var want []client.Event
	if err := alice.AllEvents(ctx, room, 2, func(e client.Event) error { want = append(want, e); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(want) != writers*messages+1 {
		t.Errorf("the room has %d events, %d were sent", len(want), writers*messages+1)
	}
	cuts := 0
	for i, l := range all {
		cuts += l.Cuts
		if len(l.Got) != len(want) || !l.Has(room, want) {
			t.Errorf("listener %d, %s, cut %d times, has %d events of %d, or in another order", i, l.Path, l.Cuts, len(l.Got), len(want))
		}
	}
	t.Logf("figure: streams: %d listeners at two replicas, one of which was killed, cut %d times in all: each has all of %d events, once and in order", len(all), cuts, len(want))
}

// insist sends a message until the log has it, to the other replica where one does
// not answer.
func insist(ctx context.Context, c *client.Client, urls []string, at int, room events.RoomID, text string) error {
	for ; ; at++ {
		ack, err := c.At(urls[at%len(urls)]).Post(ctx, room, client.NewMessage{Text: text}, client.Command{Key: "insist-" + text})
		switch {
		case err == nil && ack.Known():
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, new(*client.Problem)):
			return err
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// followBanned bans someone at one replica who follows at another: their streams
// end with that very event, of the room and of all that is theirs.
func (d *deployment) followBanned(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const room, other = "guarded", "elsewhere"
	people := d.open(ctx, t, d.urls[0], room, "alice", "carol")
	d.open(ctx, t, d.urls[0], other, "alice", "carol")
	alice, carol := people[0], people[1]
	var rooms json.RawMessage
	carol.SetPosition(alice.Position())
	if err := carol.Get(ctx, "/v1/rooms", nil, &rooms); err != nil {
		t.Fatal(err)
	}
	began := make(chan struct{}, 2)
	each := func(e client.Event) {
		if listener.TextOf(e) == "before" {
			began <- struct{}{}
		}
	}
	one := &listener.Listener{Client: carol, URLs: d.urls[:1], Path: listener.Room(room), Cursor: "2", Each: each}
	every := &listener.Listener{Client: carol, URLs: d.urls[:1], Path: listener.Everything, Cursor: carol.Position(), Until: lastWord, Each: each}
	var ended error
	var g errgroup.Group
	g.Go(func() error { ended = one.Run(ctx); return nil })
	g.Go(func() error { return every.Run(ctx) })

	elsewhere := alice.At(d.urls[1])
	said := func(room events.RoomID, text string) {
		if err := insist(ctx, elsewhere, d.urls[1:2], 0, room, text); err != nil {
			t.Error(err)
		}
	}
	said(room, "before")
	for range 2 { // who is banned by the time that they follow does not get what led up to it
		select {
		case <-began:
		case <-ctx.Done():
			t.Fatal("the streams show nothing")
		}
	}
	if _, err := elsewhere.PutMember(ctx, room, "carol", events.MembershipBan, client.Command{Wait: 10 * time.Second}); err != nil {
		t.Error(err)
	}
	said(room, "behind")
	said(other, lastWord)
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if end := (*client.End)(nil); !errors.As(ended, &end) || end.Code != "not_a_member" || fmt.Sprint(end.Cursor) != "4" {
		t.Errorf("the room's stream ended with %v", ended)
	}
	for _, l := range []*listener.Listener{one, every} {
		theirs := slices.DeleteFunc(slices.Clone(l.Got), func(e client.Event) bool { return e.Room != room })
		if len(theirs) != 2 || listener.TextOf(theirs[0]) != "before" || theirs[1].Type != events.TypeMemberChanged || theirs[1].Seq != 4 {
			t.Errorf("%s shows %+v", l.Path, theirs)
		}
	}
}

// followEphemeral types and comes at one replica; who follows at another is told.
func (d *deployment) followEphemeral(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const room = "lively"
	people := d.open(ctx, t, d.urls[0], room, "alice", "dave")
	alice, dave := people[0], people[1].At(d.urls[1])
	told := map[string]chan struct{}{
		`typing {"room":"lively","user":"dave","typing":true}`: make(chan struct{}),
		`presence {"user":"dave","presence":"online"}`:         make(chan struct{}),
	}
	following, stop := context.WithCancel(ctx)
	var g errgroup.Group
	g.Go(func() error {
		return alice.Stream(following, listener.Room(room), nil, func(f sse.Frame) error {
			if done := told[f.Event+" "+f.Data]; done != nil && f.ID == "" {
				close(done)
				delete(told, f.Event+" "+f.Data)
			}
			return nil
		})
	})
	g.Go(func() error {
		return dave.Stream(following, listener.Everything, nil, func(sse.Frame) error { return nil })
	})
	for what, done := range told {
		// What is told may be lost, as to who does not follow yet: what counts is said again.
		until(t, what, func() bool {
			_, err := dave.Do(ctx, client.Request{Method: http.MethodPut, Path: "/v1/rooms/" + room + "/typing", Body: map[string]bool{"typing": true}})
			if err != nil {
				t.Error(err)
			}
			select {
			case <-done:
				return true
			default:
				return false
			}
		})
	}
	stop()
	_ = g.Wait() // the context's end
}
