package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// listener takes connections from other processes and from this one.
type listener struct {
	net.Listener
	accepted chan accepted
	closing  sync.Once
	closed   chan struct{}
	taking   sync.WaitGroup
}

type accepted struct {
	conn net.Conn
	err  error
}

func newListener(l net.Listener) *listener {
	m := &listener{Listener: l, accepted: make(chan accepted), closed: make(chan struct{})}
	m.taking.Go(m.take)
	return m
}

// take takes connections from other processes until there is an error.
func (l *listener) take() {
	for {
		c, err := l.Listener.Accept()
		select {
		case l.accepted <- accepted{c, err}:
		case <-l.closed:
			if err == nil {
				_ = c.Close()
			}
			return
		}
		if err != nil {
			return
		}
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case a := <-l.accepted:
		return a.conn, a.err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() (err error) {
	l.closing.Do(func() {
		close(l.closed)
		err = l.Listener.Close()
		l.taking.Wait()
	})
	return err
}

// dial connects within the process.
func (l *listener) dial(ctx context.Context) (net.Conn, error) {
	server, client := newMemoryConn(l.Addr())
	select {
	case l.accepted <- accepted{conn: server}:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var errOtherBroker = errors.New("not the embedded broker")

// Dial connects to the broker without the network, for clients in its process: no
// system call and no other thread is needed then to hand over a request.
func (b *Broker) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	if address != b.info.Address {
		return nil, fmt.Errorf("dial %s: %w", address, errOtherBroker)
	}
	c, err := b.listener.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("dial the embedded broker: %w", err)
	}
	return c, nil
}
