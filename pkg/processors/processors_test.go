package processors_test

import (
	"errors"
	"net"
	"runtime"
	"strconv"
	"sync"
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

// While somebody computes who breathes, each message on a socket wakes whom it is for; also
// where two compute, of whom one can always run.
func TestBreatheLetsTheNetworkGoFirst(t *testing.T) {
	for _, computing := range []int{1, 2} {
		t.Run(strconv.Itoa(computing), func(t *testing.T) {
			one(t)
			hops := messages(t)
			const each = 100 * time.Millisecond
			var all sync.WaitGroup
			for range computing {
				all.Go(func() {
					for spent := time.Duration(0); spent < each; spent += turn {
						compute(turn)
						processors.Breathe()
					}
				})
			}
			all.Wait()
			// Go looks at the network every 10 ms by itself.
			if n, least := len(hops), int(each/turn)/4; n < least {
				t.Errorf("%d messages came in %d breaths, want %d", n, computing*int(each/turn), least)
			}
		})
	}
}

// However many others can run, who breathes gets on.
func TestBreatheLeavesAShare(t *testing.T) {
	one(t)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					compute(turn)
					runtime.Gosched()
				}
			}
		})
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

// messages has one go to and fro on a connection until the test ends, and tells of each.
func messages(t *testing.T) <-chan bool {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var ends sync.WaitGroup
	ends.Go(func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		echo(c, nil)
		_ = c.Close()
	})
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	hops := make(chan bool, 1<<20)
	ends.Go(func() {
		if _, err := c.Write([]byte{1}); err == nil {
			echo(c, hops)
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		_ = c.Close()
		ends.Wait()
	})
	<-hops // both are under way
	return hops
}

// echo gives each byte back.
func echo(c net.Conn, hops chan<- bool) {
	var b [1]byte
	for {
		if _, err := c.Read(b[:]); err != nil {
			return
		}
		if hops != nil {
			hops <- true
		}
		if _, err := c.Write(b[:]); err != nil {
			return
		}
	}
}
