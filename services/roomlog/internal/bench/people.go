package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
	"github.com/roomlog/roomlog/services/roomlog/internal/token"
)

const (
	// people is how many there are, beside those who follow: as many as the most clients.
	people = 256
	// everywhere is how many of them are in all rooms.
	everywhere = 16
	// tokenLife is longer than anything that is measured.
	tokenLife = 24 * time.Hour
	// hurry is how many requests of the preparation are under way at once.
	hurry = 64
	// wait asks for the answer when the tables have what was asked for.
	wait = "Prefer: wait=30\r\n"
)

// owner makes the rooms.
const owner = 0

func name(user int) string { return "person-" + strconv.Itoa(user) }

// tokens issues one to each person, once.
func tokens(secret []byte) func(user int) string {
	var mu sync.Mutex
	known := map[int]string{}
	return func(user int) string {
		mu.Lock()
		defer mu.Unlock()
		if known[user] == "" {
			signed, err := token.Issue(secret, token.Claims{User: events.UserID(name(user)), TTL: tokenLife}, time.Now())
			if err != nil {
				panic(err) // neither the name nor the secret comes from outside
			}
			known[user] = signed
		}
		return known[user]
	}
}

// membership is a person in a room.
type membership struct{ user, room int }

// memberships are all that any load needs: clients are in the rooms that they send to,
// those who read pages in all, those who follow in theirs.
func memberships() (all []membership) {
	known := map[membership]bool{}
	add := func(user int, rooms []int) {
		for _, r := range rooms {
			if m := (membership{user, r}); !known[m] && user != owner {
				known[m] = true
				all = append(all, m)
			}
		}
	}
	for user := range people {
		switch {
		case user < everywhere:
			add(user, load.RoomsOf(0, 1, load.Rooms))
		case user < load.Senders:
			add(user, load.RoomsOf(user, load.Senders, load.Rooms))
		}
		add(user, load.RoomsOf(user, people, load.Rooms))
	}
	for i := range load.Followers {
		add(load.FirstFollower+i, load.RoomsOf(i, load.Followers, load.Rooms))
	}
	return all
}

// prepare makes rooms and members. The tables may have the members later.
func prepare(ctx context.Context, t load.Target) error {
	rooms := make([]membership, load.Rooms)
	for i := range rooms {
		rooms[i] = membership{owner, i}
	}
	create := func(c *load.Conn, m membership) error {
		_, err := c.Do(http.MethodPut, load.RoomPath(m.room), wait, []byte(`{"kind":"public","name":"Room"}`))
		return err
	}
	join := func(c *load.Conn, m membership) error {
		_, err := c.Do(http.MethodPut, load.RoomPath(m.room)+"/members/"+name(m.user), "", []byte(`{"membership":"join"}`))
		return err
	}
	if err := each(ctx, t, rooms, create); err != nil {
		return fmt.Errorf("make rooms: %w", err)
	}
	if err := each(ctx, t, memberships(), join); err != nil {
		return fmt.Errorf("join rooms: %w", err)
	}
	return nil
}

// each does something for all, as the person that it is about, many at a time.
func each(ctx context.Context, t load.Target, all []membership, do func(*load.Conn, membership) error) error {
	var working errgroup.Group
	working.SetLimit(hurry)
	for _, m := range all {
		if ctx.Err() != nil {
			break
		}
		working.Go(func() error {
			c := t.Dial(m.user)
			defer c.Close()
			return do(c, m)
		})
	}
	return errors.Join(working.Wait(), ctx.Err())
}
