package position

import (
	"context"
	"sync"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// endsTimeout bounds one question for the log's ends, whoever waits for it.
const endsTimeout = 3 * time.Second

// endsReader asks for the log's ends, once for all who ask at the same time. An
// answer counts for those who asked before the question was sent; the others
// share the next one.
type endsReader struct {
	ask func(context.Context) ([]events.Offset, error)

	mu      sync.Mutex
	running bool
	next    *endsCall
}

type endsCall struct {
	done chan struct{}
	ends []events.Offset
	err  error
}

func (r *endsReader) read(ctx context.Context) ([]events.Offset, error) {
	r.mu.Lock()
	if r.next == nil {
		r.next = &endsCall{done: make(chan struct{})}
	}
	c := r.next
	if !r.running {
		r.running = true
		go r.run(context.WithoutCancel(ctx)) // ends when nobody asks, at most endsTimeout later
	}
	r.mu.Unlock()
	select {
	case <-c.done:
		return c.ends, c.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// run asks while someone wants to know.
func (r *endsReader) run(ctx context.Context) {
	for {
		r.mu.Lock()
		c := r.next
		if r.next = nil; c == nil {
			r.running = false
		}
		r.mu.Unlock()
		if c == nil {
			return
		}
		bounded, cancel := context.WithTimeout(ctx, endsTimeout)
		c.ends, c.err = r.ask(bounded)
		cancel()
		close(c.done)
	}
}
