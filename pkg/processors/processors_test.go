package processors_test

import (
	"errors"
	"net"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/processors"
)

// one has Go have one processor until the test ends.
func one(t *testing.T) {
	t.Helper()
	was := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(was) })
}

func TestBlockingHasASecondProcessor(t *testing.T) {
	one(t)
	failed := errors.New("failed")
	var all sync.WaitGroup
	begun := make(chan bool)
	all.Go(func() {
		_ = processors.Blocking(func() error { <-begun; return nil })
	})
	err := processors.Blocking(func() error {
		if n := runtime.GOMAXPROCS(0); n != 2 {
			t.Errorf("Go has %d processors while something blocks, want 2", n)
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("it gave %v, want %v", err, failed)
	}
	close(begun)
	all.Wait()
	if n := runtime.GOMAXPROCS(0); n != 1 {
		t.Errorf("Go has %d processors when nothing blocks, want 1", n)
	}
}

func TestBlockingLeavesMoreProcessorsAlone(t *testing.T) {
	was := runtime.GOMAXPROCS(3)
	defer runtime.GOMAXPROCS(was)
	_ = processors.Blocking(func() error {
		if n := runtime.GOMAXPROCS(0); n != 3 {
			t.Errorf("Go has %d processors, want 3", n)
		}
		return nil
	})
	if n := runtime.GOMAXPROCS(0); n != 3 {
		t.Errorf("Go has %d processors, want 3", n)
	}
}

// Who waits for a socket is told in the breaths of who computes; also where two compute, of
// whom one can always run.
func TestBreatheAsksTheNetwork(t *testing.T) {
	for _, computing := range []int{1, 2} {
		t.Run(strconv.Itoa(computing), func(t *testing.T) {
			one(t)
			var got atomic.Int64
			send := connection(t, func() { got.Add(1) })
			var all sync.WaitGroup
			stop := make(chan struct{})
			for range computing - 1 {
				all.Go(func() { computeUntil(stop, processors.Breathe) })
			}
			var breaths []int // until each was there
			for n := range int64(100) {
				send()
				breaths = append(breaths, 0)
				for got.Load() <= n {
					before := processors.LastBreath()
					compute(turn)
					processors.Breathe()
					if processors.LastBreath() != before {
						breaths[n]++
					}
				}
			}
			close(stop)
			all.Wait()
			slices.Sort(breaths)
			// Go asks every 10 ms by itself, which is 100 turns, or 50 of each of two.
			if median := breaths[len(breaths)/2]; median > 5 {
				t.Errorf("a message is there after %d breaths, in the median", median)
			}
		})
	}
}

// A breath lasts until those are through who hand something on over the network.
func TestBreatheWaitsForWhatIsHandedOn(t *testing.T) {
	one(t)
	const hands = 3
	var got atomic.Int64
	send := connection(t, func() { got.Add(1) })
	for range hands - 1 {
		next := send
		send = connection(t, func() {
			compute(turn / 4)
			next()
		})
	}
	oneBreath := 0
	const times = 100
	for n := range int64(times) {
		send()
		breathe()
		if got.Load() > n {
			oneBreath++
		}
		for got.Load() <= n {
			breathe()
		}
	}
	if oneBreath < times/2 {
		t.Errorf("after one breath %d of %d messages were through", oneBreath, times)
	}
}

// Where somebody waits for the log, a breath waits for the disk.
func TestBreatheWaitsForTheDisk(t *testing.T) {
	one(t)
	oneBreath := 0
	const times = 100
	for range times {
		synced := make(chan struct{})
		processors.Begin()
		time.AfterFunc(2*turn, func() {
			processors.End()
			close(synced)
		})
		breathe()
		select {
		case <-synced:
			oneBreath++
		default:
			<-synced
		}
	}
	if oneBreath < times/2 {
		t.Errorf("after one breath %d of %d files were on the disk", oneBreath, times)
	}
}

// breathe takes a breath, once it is due.
func breathe() {
	for before := processors.LastBreath(); processors.LastBreath() == before; {
		compute(turn)
		processors.Breathe()
	}
}

// However many others can run, who breathes gets on.
func TestBreatheLeavesAShare(t *testing.T) {
	one(t)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { computeUntil(stop, runtime.Gosched) })
	}
	const work, most = 50 * time.Millisecond, time.Second
	begun := time.Now()
	for spent := time.Duration(0); spent < work; spent += turn {
		compute(turn)
		processors.Breathe()
	}
	// A breath takes some 10 ms here, and 500 of them would take 5 s.
	if took := time.Since(begun); took > most {
		t.Errorf("it took %v to compute for %v, want less than %v", took, work, most)
	}
	close(stop)
	all.Wait()
}

// turn is for how long somebody computes between two breaths.
const turn = 100 * time.Microsecond

func compute(d time.Duration) {
	for begun := time.Now(); time.Since(begun) < d; {
	}
}

// computeUntil computes until stop is closed, with something between two turns.
func computeUntil(stop <-chan struct{}, between func()) {
	for {
		select {
		case <-stop:
			return
		default:
			compute(turn)
			between()
		}
	}
}

// connection gives what sends a byte over one; came is called for each at the other end.
func connection(t *testing.T, came func()) (send func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	from, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	to, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		var b [1]byte
		for {
			if _, err := to.Read(b[:]); err != nil {
				return
			}
			came()
		}
	})
	t.Cleanup(func() {
		_ = from.Close()
		reader.Wait()
		_ = to.Close()
	})
	return func() {
		if _, err := from.Write([]byte{1}); err != nil {
			t.Error(err)
		}
	}
}
