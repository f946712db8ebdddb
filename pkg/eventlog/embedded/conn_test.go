package embedded_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"golang.org/x/net/nettest"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
)

// TestMemoryConn puts connections within the process to the tests that the Go team
// has for all.
func TestMemoryConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		c1, c2 = embedded.MemoryConn()
		return c1, c2, func() { _, _ = c1.Close(), c2.Close() }, nil
	})
}

// TestMemoryConnKeepsWhatWasWritten: an answer that was written before the end is read.
func TestMemoryConnKeepsWhatWasWritten(t *testing.T) {
	server, client := embedded.MemoryConn()
	if _, err := server.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	_ = server.Close()
	got := make([]byte, 100)
	if n, err := client.Read(got); string(got[:n]) != "answer" || err != nil {
		t.Errorf("read %q, %v", got[:n], err)
	}
	if n, err := client.Read(got); n != 0 || err == nil {
		t.Errorf("behind the end: %d bytes, %v", n, err)
	}
	if _, err := client.Write(got); err == nil {
		t.Error("wrote to who is gone")
	}
}

// TestDial publishes and reads without the network, beside others that use it.
func TestDial(t *testing.T) {
	b := start(t, embedded.Config{Dir: t.TempDir()})
	outside := configOf(b.Info())
	inside := outside
	var dialled atomic.Int32
	inside.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled.Add(1)
		return b.Dial(ctx, network, address)
	}
	l := ensure(t, inside, 1)
	for i, cfg := range []eventlog.Config{inside, outside} {
		p, err := eventlog.NewPublisher(cfg, l)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Publish(t.Context(), event("room", i)); err != nil {
			t.Error(err)
		}
		closePublisher(p)
	}
	for _, cfg := range []eventlog.Config{inside, outside} {
		if all := read(t, cfg, l, 0); len(all) != 2 {
			t.Errorf("read %d records", len(all))
		}
	}
	if dialled.Load() == 0 {
		t.Error("nobody used it")
	}
	if _, err := b.Dial(t.Context(), "tcp", "127.0.0.1:1"); err == nil {
		t.Error("dialled another broker")
	}
	stop(t, b)
	if _, err := b.Dial(t.Context(), "tcp", b.Info().Address); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}
