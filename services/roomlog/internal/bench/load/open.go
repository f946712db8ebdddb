package load

import (
	"context"
	"sync"
	"time"
)

const (
	// Senders is how many connections share what is due in all rooms.
	Senders = 64
	// Followers is how many clients follow all rooms; each has the same part of them.
	Followers = 10
	// drainTimeout is when a message that has not come is lost.
	drainTimeout = 5 * time.Second
)

// FirstFollower is the user that the first follower is; the others come behind.
const FirstFollower = 1000

// Delivery is who follows what.
type Delivery struct {
	rate    int
	senders int
	rooms   int // in which is sent
	streams []follower
	copies  int // of each message
}

// Spread is so many messages a second in all rooms, each of which one follows.
func Spread(rate int) Delivery {
	d := Delivery{rate: rate, senders: Senders, rooms: Rooms, copies: 1}
	for i := range Followers {
		d.streams = append(d.streams, follower{FirstFollower + i, PersonPath(RoomsOf(i, Followers, Rooms))})
	}
	return d
}

// Fanout is so many messages a second in one room, which so many streams of so many
// people follow.
func Fanout(rate, streams, people, senders int) Delivery {
	d := Delivery{rate: rate, senders: senders, rooms: 1, copies: streams}
	for i := range streams {
		d.streams = append(d.streams, follower{FirstFollower + i%people, PersonPath([]int{0})})
	}
	return d
}

// Deliver sends at a fixed rate, whatever the service does, to rooms that others
// follow. Latencies are from when a message was due until it arrived.
func Deliver(ctx context.Context, t Target, d Delivery, w Window, acked *Acked) (Result, error) {
	var arrivals arrivals
	stop, err := follow(ctx, t, d.streams, arrivals.note)
	defer stop()
	if err != nil {
		return Result{}, err
	}
	start := time.Now()
	begin := start.Add(w.Warm)
	end := begin.Add(w.Time)
	arrivals.expect(begin, end)

	queue := make(chan time.Time, d.rate*int((w.Warm+w.Time)/time.Second+1)) // whatever the service does
	late := make([][]time.Duration, d.senders)
	var failed failures
	var all sync.WaitGroup
	for i := range d.senders {
		s := newSender(t, i, RoomsOf(i, d.senders, d.rooms), acked.client())
		all.Go(func() {
			defer s.Close()
			for due := range queue {
				taken := time.Now()
				if err := s.send(due); err != nil {
					failed.add(err)
				} else if !due.Before(begin) {
					late[i] = append(late[i], taken.Sub(due))
				}
			}
		})
	}
	var pacing error
	all.Go(func() {
		defer close(queue)
		pacing = pace(ctx, start, end, time.Second/time.Duration(d.rate), queue)
	})
	took := watch(ctx, begin, end, w.Watch)
	all.Wait()
	r := Result{Took: took, Late: sorted(late...), Errors: failed.n, Err: failed.first}
	r.Sent = len(r.Late) * d.copies
	r.Latencies = sorted(arrivals.await(ctx, r.Sent))
	return r, pacing
}

// pace puts the times of messages into the queue as they come.
func pace(ctx context.Context, start, end time.Time, interval time.Duration, queue chan<- time.Time) error {
	t, err := newTimer()
	if err != nil {
		return err
	}
	defer t.close()
	for due := start; due.Before(end) && ctx.Err() == nil; due = due.Add(interval) {
		if err := t.wait(due); err != nil {
			return err
		}
		queue <- due
	}
	return nil
}

// arrivals are the latencies of messages that followers got, of those that were due
// in the window.
type arrivals struct {
	mu         sync.Mutex
	begin, end time.Time
	all        []time.Duration
}

func (a *arrivals) expect(begin, end time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begin, a.end = begin, end
}

func (a *arrivals) note(line []byte) {
	now := time.Now()
	stamps(line, func(due time.Time) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if !due.Before(a.begin) && due.Before(a.end) {
			a.all = append(a.all, now.Sub(due))
		}
	})
}

// await gives so many arrivals, or those that have come in time.
func (a *arrivals) await(ctx context.Context, n int) []time.Duration {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	for {
		a.mu.Lock()
		all := a.all
		a.mu.Unlock()
		if len(all) >= n || ctx.Err() != nil {
			return all
		}
		pause(ctx, 10*time.Millisecond)
	}
}
