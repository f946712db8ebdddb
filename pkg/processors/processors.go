// Package processors shares Go's processors (GOMAXPROCS) with what takes long, where there
// is one. Go gives it to somebody else only after 10 ms, and asks the network as rarely
// then; where there are more, the others go on meanwhile, and nothing here does anything.
package processors

import (
	"runtime"
	"sync"
	"time"
)

var blocking struct {
	mu    sync.Mutex
	n     int  // of those who block now
	added bool // a processor for them
}

// Blocking runs what keeps a thread for long, in calls of the system for the most part.
// Where Go has one processor it has a second one meanwhile, so that the system shares the
// machine's among the threads.
func Blocking(do func() error) error {
	enter()
	defer leave()
	return do()
}

func enter() {
	b := &blocking
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n++; b.n == 1 && runtime.GOMAXPROCS(0) == 1 {
		runtime.GOMAXPROCS(2)
		b.added = true
	}
}

func leave() {
	b := &blocking
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n--; b.n == 0 && b.added {
		runtime.GOMAXPROCS(1)
		b.added = false
	}
}

// breath is what a thread cannot sleep much less than.
const breath = 20 * time.Microsecond

// Breathe lets all others who can go on do so, where Go has one processor. Who computes
// for long and in no hurry takes a breath every half millisecond or so.
func Breathe() {
	if runtime.GOMAXPROCS(0) > 1 {
		return
	}
	time.Sleep(breath) // only when nobody runs is the network asked,
	runtime.Gosched()  // and who has slept is next: so behind all whom it had something for
}
