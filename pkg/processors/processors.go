// Package processors shares Go's processors (GOMAXPROCS) with what takes long, where there
// is one. Go gives it to somebody else only after 10 ms, and asks the network as rarely
// then; where there are more, the others go on meanwhile, and nothing here does anything.
package processors

import (
	"runtime"
	"sync"
	"sync/atomic"
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

const (
	// turn is how long somebody computes between two breaths, at least.
	turn = 100 * time.Microsecond
	// idle is how many times as long as the quickest a round of a breath takes at most in
	// which nobody has had anything to do.
	idle = 4
	// longest is how long others are waited for who come and go.
	longest = 300 * time.Microsecond
)

// All who compute take breaths together.
var (
	start = time.Now()
	ended atomic.Int64 // the last breath, since start
	took  atomic.Int64 // that one
	quick atomic.Int64 // the quickest round of any

	waiting atomic.Int64
)

// Begin says that somebody waits until End for what goroutines and the kernel do by and by:
// a breath is theirs first.
func Begin() { waiting.Add(1) }

// End is for each Begin.
func End() { waiting.Add(-1) }

// Breathe lets all others who can go on do so, where Go has one processor; and those who can
// because of them, as who is sent something, and the disk, where somebody waits for the log.
// Who computes for long and in no hurry calls it every tenth of a millisecond or so. Most
// calls return at once: a breath is due after a turn, or after half as long as the last one
// took, so that those who compute have a third of the processor, however much the others
// have to do.
func Breathe() {
	if runtime.GOMAXPROCS(0) > 1 {
		return
	}
	begun := time.Since(start)
	if begun-time.Duration(ended.Load()) < max(turn, time.Duration(took.Load()/2)) {
		return
	}
	now := begun
	for going := true; going && now-begun < longest; {
		asked := askNetwork()
		runtime.Gosched() // behind all whom the network had something for
		going = asked && !isIdle(time.Since(start)-now)
		if waiting.Load() > 0 {
			yield()
			going = true
		}
		now = time.Since(start)
	}
	took.Store(int64(now - begun))
	ended.Store(int64(now))
}

// isIdle says whether nobody had anything to do in a round of a breath. Nothing tells, but
// that it was about as quick as the quickest.
func isIdle(round time.Duration) bool {
	quickest := quick.Load()
	if quickest == 0 || int64(round) < quickest {
		quickest = int64(round)
		quick.Store(quickest)
	}
	return int64(round) <= idle*quickest
}
