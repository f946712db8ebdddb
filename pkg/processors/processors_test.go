package processors_test

import (
	"errors"
	"net"
	"runtime"
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

// While somebody computes who breathes, each message on a socket wakes whom it is for.
func TestBreatheLetsTheNetworkGoFirst(t *testing.T) {
	one(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		echo(c, nil)
		_ = c.Close()
	}()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	hops := make(chan bool, 1<<20)
	go func() {
		if _, err := c.Write([]byte{1}); err == nil {
			echo(c, hops)
		}
	}()
	<-hops // both are under way
	const breaths = 200
	for range breaths {
		for begun := time.Now(); time.Since(begun) < time.Millisecond; {
		}
		processors.Breathe()
	}
	// 200 ms without a breath are 20 times that Go looks at the network.
	if n := len(hops); n < breaths/2 {
		t.Errorf("%d messages came in %d breaths", n, breaths)
	}
	_ = c.Close()
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
