package load

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// backOff is how long a client waits after an error.
const backOff = time.Millisecond

// Send lets clients send, each in rooms of its own as far as there are enough.
func Send(ctx context.Context, t Target, clients, rooms int, w Window, acked *Acked) Result {
	return closed(ctx, clients, w, func(i int) (func() (int, error), func()) {
		s := newSender(t, i, RoomsOf(i, clients, rooms), acked.client())
		return func() (int, error) { return 0, s.send(time.Now()) }, s.Close
	})
}

// Pages lets clients read pages, each any of its own that it chooses.
func Pages(ctx context.Context, t Target, clients int, pages func(client int) (paths []string), w Window) Result {
	return closed(ctx, clients, w, func(i int) (func() (int, error), func()) {
		c := t.Dial(i)
		choice := rand.New(rand.NewPCG(1, uint64(i)))
		paths := pages(i)
		return func() (int, error) {
			answer, err := c.Do("GET", paths[choice.IntN(len(paths))], "", nil)
			return bytes.Count(answer, []byte(stamp)), err
		}, c.Close
	})
}

// closed keeps clients busy. Make gives a client's operation, which says of how many
// messages it was, and what to do at its end.
func closed(ctx context.Context, clients int, w Window, client func(i int) (do func() (int, error), end func())) Result {
	begin := time.Now().Add(w.Warm)
	end := begin.Add(w.Time)
	latencies := make([][]time.Duration, clients)
	items := make([]int, clients)
	var failed failures
	var all sync.WaitGroup
	for i := range clients {
		do, done := client(i)
		all.Go(func() {
			defer done()
			for ctx.Err() == nil {
				asked := time.Now()
				if asked.After(end) {
					return
				}
				n, err := do()
				answered := time.Now()
				switch {
				case err != nil:
					failed.add(err)
					pause(ctx, backOff)
				case answered.After(begin) && !answered.After(end):
					latencies[i] = append(latencies[i], answered.Sub(asked))
					items[i] += n
				}
			}
		})
	}
	took := watch(ctx, begin, end, w.Watch)
	all.Wait()
	r := Result{Took: took, Latencies: sorted(latencies...), Errors: failed.n, Err: failed.first}
	for _, n := range items {
		r.Items += float64(n)
	}
	r.Items /= float64(max(1, len(r.Latencies)))
	return r
}

// watch sleeps through a window.
func watch(ctx context.Context, begin, end time.Time, watch func() func()) time.Duration {
	pause(ctx, time.Until(begin))
	begun := time.Now()
	done := func() {}
	if watch != nil {
		done = watch()
	}
	pause(ctx, time.Until(end))
	took := time.Since(begun)
	done()
	return took
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
