package delay_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/services/roomlog/internal/delay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachRoundTripIsLater(t *testing.T) {
	p, err := delay.Start(t.Context(), echo(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(conn)
	for _, d := range []time.Duration{0, 30 * time.Millisecond, 60 * time.Millisecond} {
		p.Set(d)
		asked := time.Now()
		if _, err := io.WriteString(conn, "hello\n"); err != nil {
			t.Fatal(err)
		}
		if got, err := lines.ReadString('\n'); got != "hello\n" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		if took := time.Since(asked); took < d {
			t.Errorf("with %s it took %s", d, took)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := lines.ReadByte(); err == nil {
		t.Error("the connection goes on without the proxy")
	}
	_ = conn.Close()
}

// A server that is away is the proxy's error, told at its end.
func TestNobodyThere(t *testing.T) {
	p, err := delay.Start(t.Context(), "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("something answered")
	}
	_ = conn.Close()
	if err := p.Close(); err == nil {
		t.Error("no error")
	}
}

// echo is a server that says what it is told.
func echo(t *testing.T) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.WithoutCancel(t.Context()), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.Copy(conn, conn)
	}()
	return listener.Addr().String()
}
