package timeline

import "sync"

// Listeners counts who follows a timeline, or waits for what it tells: without any,
// a projector of the same process need not hurry. It is safe for concurrent use.
//
// Of nil there are always some: of a topic nobody knows who follows it.
type Listeners struct {
	mu    sync.Mutex
	count int
	some  chan struct{} // closed while there are any
}

// NewListeners counts from none.
func NewListeners() *Listeners { return &Listeners{some: make(chan struct{})} }

// Enter counts one more, until it leaves.
func (l *Listeners) Enter() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count++; l.count == 1 {
		close(l.some)
	}
}

// Leave undoes one Enter.
func (l *Listeners) Leave() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count--; l.count == 0 {
		l.some = make(chan struct{})
	}
}

// Some gives a channel that is closed, or that will be when someone comes.
func (l *Listeners) Some() <-chan struct{} {
	if l == nil {
		return always
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.some
}

var always = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()
