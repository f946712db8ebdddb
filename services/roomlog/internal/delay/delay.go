// Package delay is a proxy that adds a delay to each round trip, as a longer network
// or a slower server would: bytes arrive later, as many as before.
package delay

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy forwards connections. Its methods may be called from several goroutines.
type Proxy struct {
	listener net.Listener
	target   string
	delay    atomic.Int64
	stop     context.CancelFunc // ends all connections
	open     sync.WaitGroup

	mu  sync.Mutex
	err error
}

// Start begins to forward to a host:port, without delay, until it is closed; its
// connections end with ctx, too.
func Start(ctx context.Context, target string) (*Proxy, error) {
	ctx, stop := context.WithCancel(ctx)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		stop()
		return nil, err
	}
	p := &Proxy{listener: listener, target: target, stop: stop}
	p.open.Go(func() { p.accept(ctx) })
	return p, nil
}

// StartURL is Start for the host of a URL; it returns the URL by way of the proxy.
func StartURL(ctx context.Context, target string) (*Proxy, string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, "", err
	}
	p, err := Start(ctx, u.Host)
	if err != nil {
		return nil, "", err
	}
	u.Host = p.Address()
	return p, u.String(), nil
}

// Address is the host:port to connect to.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Set sets the delay of what is sent from now on.
func (p *Proxy) Set(d time.Duration) { p.delay.Store(int64(d)) }

// Close ends all connections. Its error is the first that one could not be made with.
func (p *Proxy) Close() error {
	p.stop()
	err := p.listener.Close()
	p.open.Wait()
	return errors.Join(p.err, err)
}

func (p *Proxy) accept(ctx context.Context) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.open.Go(func() {
			if err := p.forward(ctx, client); err != nil && !errors.Is(err, context.Canceled) {
				p.mu.Lock()
				defer p.mu.Unlock()
				if p.err == nil {
					p.err = err
				}
			}
		})
	}
}

// forward connects the two for as long as both are there.
func (p *Proxy) forward(ctx context.Context, client net.Conn) error {
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.target)
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
		p.late(server, client)
	})
	both.Go(func() {
		defer end()
		_, _ = io.Copy(client, server) // the answers: their delay is the questions'
	})
	both.Wait()
	return nil
}

// late copies until either side ends.
func (p *Proxy) late(to io.Writer, from io.Reader) {
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
				chunks <- chunk{time.Now().Add(time.Duration(p.delay.Load())), buffer[:n]}
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
