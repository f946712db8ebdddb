package http1

import (
	"context"
	"sync"
	"time"
)

// requestContext ends with the handler; and with the client, from when somebody asks for
// its end: to see a client hang up takes a goroutine. A stream keeps it for as long as it
// lasts, so it has little.
type requestContext struct {
	conn *conn

	mu       sync.Mutex
	ending   context.Context // what there is to wait for; nil: nobody has asked
	cancel   context.CancelFunc
	ended    bool
	read     bool          // the request has been read, in full
	over     bool          // the handler has returned, or has the connection
	soon     *time.Timer   // until it is begun to watch
	watching chan struct{} // closed when nobody reads ahead anymore; nil: nobody has
}

// Deadline implements [context.Context]: there is none.
func (*requestContext) Deadline() (at time.Time, ok bool) { return }

// Done is closed when the client has hung up, or the handler has returned.
func (x *requestContext) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ending == nil {
		x.ending, x.cancel = context.WithCancel(context.Background())
		if x.ended {
			x.cancel()
		}
		x.watchSoon()
	}
	return x.ending.Done()
}

// asked says whether anybody has asked for its end.
func (x *requestContext) asked() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ending != nil
}

// Err implements [context.Context].
func (x *requestContext) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.ending != nil:
		return x.ending.Err()
	case x.ended:
		return context.Canceled
	}
	return nil
}

// Value implements [context.Context]. What it has is for package context alone, which
// finds there who ends with this one.
func (x *requestContext) Value(key any) any {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ending == nil {
		return nil
	}
	return x.ending.Value(key)
}

// hasRead notes that the request has come in full.
func (x *requestContext) hasRead() {
	x.mu.Lock()
	x.read = true
	x.watchSoon()
	x.mu.Unlock()
}

// watchSoon begins to watch where that is due and has not begun, in a while: most requests
// are answered before. The mutex must be held.
func (x *requestContext) watchSoon() {
	if x.ending != nil && x.read && !x.over && x.soon == nil {
		x.soon = time.AfterFunc(unwatched, x.watch)
	}
}

// unwatched is how long nobody looks whether the client hangs up.
const unwatched = 20 * time.Millisecond

// watch has a goroutine read on: what comes can be but the next request, or the end.
func (x *requestContext) watch() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over {
		return
	}
	x.watching = make(chan struct{})
	x.conn.readBy.exactly(time.Time{})
	go func() {
		defer close(x.watching)
		if !x.conn.readAhead() {
			x.cancel()
		}
	}()
}

// longAgo ends a read.
var longAgo = time.Unix(1, 0)

// unwatch gives the connection back to who calls it.
func (x *requestContext) unwatch() {
	x.mu.Lock()
	was := x.over
	x.over = true
	if x.soon != nil {
		x.soon.Stop()
	}
	x.mu.Unlock()
	if !was && x.watching != nil {
		x.conn.readBy.exactly(longAgo)
		<-x.watching
	}
}

// end ends it.
func (x *requestContext) end() {
	x.unwatch()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
	if x.cancel != nil {
		x.cancel()
	}
}
