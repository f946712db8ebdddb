package modelcheck_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

const (
	// calls is how many each client makes in a round.
	calls = 25
	// searchTimeout is how long an order is searched for; it is found in milliseconds.
	searchTimeout = time.Minute
)

// Clients of two replicas race for memberships and idempotency keys of rooms. There is an
// order of their calls, within the time that each took, that explains every answer.
// What the log does not acknowledge, and what is cut off when a replica dies, may have happened at any time
// since, or not at all. LINEAR_ROUNDS says how often, LINEAR_SEED what the clients do.
func TestLinearizable(t *testing.T) {
	rounds, seed := chattest.Number(t, "LINEAR_ROUNDS", 3), uint64(chattest.Number(t, "LINEAR_SEED", int(rand.Uint32())))
	w := start(t)
	w.Log.SetFault(unknown(rand.New(rand.NewPCG(seed, 0))))
	total, open := 0, 0
	for round := range rounds {
		operations := w.race(rand.New(rand.NewPCG(seed, uint64(round))))
		for _, o := range operations {
			if o.Return == math.MaxInt64 {
				open++
			}
		}
		total += len(operations)
		if err := check(operations); err != nil {
			t.Fatalf("round %d of LINEAR_SEED=%d: %v", round, seed, err)
		}
	}
	t.Logf("%d rounds, %d calls, %d of them without an answer, LINEAR_SEED=%d", rounds, total, open, seed)
}

// unknown has the log not acknowledge some events: of these it has every other one.
func unknown(rnd *rand.Rand) func(context.Context, events.Message, func()) error {
	var mu sync.Mutex
	return func(_ context.Context, _ events.Message, appendIt func()) error {
		mu.Lock()
		n := rnd.IntN(100)
		mu.Unlock()
		switch {
		case n < 2:
			return eventlog.ErrUnknownOutcome
		case n < 4:
			appendIt()
			return eventlog.ErrUnknownOutcome
		}
		return nil
	}
}

// race has every person call both replicas at once. The second one is killed in the
// middle, and another takes its place.
func (w *world) race(rnd *rand.Rand) []porcupine.Operation {
	s := w.scene()
	replicas := []*atomic.Pointer[chattest.World]{{}, {}}
	for _, r := range replicas {
		r.Store(w.mortal())
	}
	x := &race{scene: s, began: time.Now()}
	x.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: len(people)}}
	defer x.client.CloseIdleConnections()
	for i := range 2 {
		x.call(replicas[0].Load().URL, command{do: create, by: people[0], room: i, kind: "public", change: "{}", wait: true})
	}
	var clients, killer sync.WaitGroup
	half := make(chan struct{})
	for i, user := range people {
		for _, replica := range replicas {
			choose := rand.New(rand.NewPCG(rnd.Uint64(), 0))
			clients.Go(func() {
				for n := range calls {
					if i == 0 && n == calls/2 && replica == replicas[1] {
						close(half)
					}
					x.call(replica.Load().URL, contend(choose, user))
				}
			})
		}
	}
	killer.Go(func() {
		<-half
		dead := replicas[1].Swap(w.mortal())
		dead.Stop()
	})
	clients.Wait()
	killer.Wait()
	for _, r := range replicas {
		r.Load().Stop()
	}
	return x.operations
}

// mortal is a replica that cuts off what is under way in it when it is stopped.
func (w *world) mortal() *chattest.World {
	return w.Replica(unlimited, func(c *chat.Config) { c.StopTimeout = time.Nanosecond })
}

// contend chooses a command that others may be in the way of.
func contend(rnd *rand.Rand, user string) command {
	one := func(of ...string) string { return of[rnd.IntN(len(of))] }
	c := command{do: change, by: user, room: rnd.IntN(2), whom: user, wait: true}
	switch n := rnd.IntN(10); {
	case n < 3:
		c.do, c.whom, c.key, c.text = post, "", one("k1", "k2", "k3", "k4"), one("one", "one", "other")
	case n < 6:
		c.membership = one("join", "join", "leave")
	default:
		c.whom, c.membership = one(people...), one("invite", "leave", "ban", "ban", "join")
		if c.membership == "join" {
			c.role = one("moderator", "moderator", "member")
		}
	}
	return c
}

// race is what clients call, and when.
type race struct {
	*scene
	began  time.Time
	client *http.Client

	mu         sync.Mutex
	operations []porcupine.Operation
}

// call sends a command over HTTP and notes when, and what came back. Without an answer, it
// goes on for ever.
func (x *race) call(at string, c command) {
	r := x.request(c)
	headers := map[string]string{"Prefer": "wait=1"}
	if r.key != "" {
		headers["Idempotency-Key"] = r.key
	}
	o := porcupine.Operation{Input: r, Call: int64(time.Since(x.began)), Return: math.MaxInt64}
	if answer, err := x.roundTrip(at, newRequest(x.tokens[r.by], r.method, r.path, r.body, headers)); err == nil {
		r.answer = answer
		r.outcome = r.told()
		if r.done() {
			o.Return = int64(time.Since(x.began))
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	o.ClientId = len(x.operations)
	x.operations = append(x.operations, o)
}

func (x *race) roundTrip(at string, req *http.Request) (answer, error) {
	u, err := url.Parse(at)
	if err != nil {
		return answer{}, err
	}
	req.URL.Scheme, req.URL.Host, req.RequestURI = u.Scheme, u.Host, ""
	res, err := x.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(res.Body)
	return answered(res.StatusCode, res.Header, body), errors.Join(err, res.Body.Close())
}

// check searches an order. Where there is none, the failure names the file that shows
// the calls, in a browser.
func check(operations []porcupine.Operation) error {
	result, info := porcupine.CheckOperationsVerbose(membership, operations, searchTimeout)
	if result == porcupine.Ok {
		return nil
	}
	f, err := os.CreateTemp("", "linearizable-*.html")
	if err != nil {
		return err
	}
	if err := errors.Join(porcupine.Visualize(membership, info, f), f.Close()); err != nil {
		return err
	}
	return fmt.Errorf("no order of %d calls is found (%s): see %s", len(operations), result, f.Name())
}
