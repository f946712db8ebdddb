package scale_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// slow gives the address of the same database behind a proxy that adds a delay to
// each round trip, as a network would: bytes arrive later, as many as before.
func slow(b *testing.B, database string, delay time.Duration) string {
	b.Helper()
	server, err := url.Parse(database)
	if err != nil {
		b.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var open sync.WaitGroup
	b.Cleanup(func() {
		cancel()
		_ = listener.Close()
		open.Wait()
	})
	target := server.Host
	open.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // closed
			}
			open.Go(func() {
				if err := forward(ctx, client, target, delay); err != nil {
					b.Error("proxy:", err)
				}
			})
		}
	})
	server.Host = listener.Addr().String()
	return server.String()
}

// forward connects the two for as long as both are there.
func forward(ctx context.Context, client net.Conn, target string, delay time.Duration) error {
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
	if err != nil {
		return errors.Join(err, client.Close())
	}
	ctx, end := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() {
		_ = client.Close()
		_ = server.Close()
	})
	defer stop()
	var both sync.WaitGroup
	both.Go(func() {
		defer end()
		late(server, client, delay)
	})
	both.Go(func() {
		defer end()
		_, _ = io.Copy(client, server) // the answers: their delay is the questions'
	})
	both.Wait()
	return nil
}

// late copies until either side ends.
func late(to io.Writer, from io.Reader, delay time.Duration) {
	type chunk struct {
		at    time.Time
		bytes []byte
	}
	chunks := make(chan chunk, 1024)
	var reading sync.WaitGroup
	defer reading.Wait()
	reading.Go(func() {
		defer close(chunks)
		for {
			buffer := make([]byte, 64<<10)
			n, err := from.Read(buffer)
			if n > 0 {
				chunks <- chunk{time.Now().Add(delay), buffer[:n]}
			}
			if err != nil {
				return
			}
		}
	})
	failed := false
	for c := range chunks {
		if failed { // until the reader ends
			continue
		}
		time.Sleep(time.Until(c.at))
		_, err := to.Write(c.bytes)
		failed = err != nil
	}
}
