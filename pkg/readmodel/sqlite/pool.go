package sqlite

import (
	"context"
	"errors"
	"sync"
)

// errClosed says that the store was closed.
var errClosed = errors.New("the read model is closed")

// pool lends connections to one file. They are opened when they are needed.
type pool struct {
	source source
	size   int
	free   chan *conn // nil for one that is to be opened
	done   chan struct{}
	once   sync.Once
	err    error // of closing
}

func newPool(s source, size int) *pool {
	p := &pool{source: s, size: size, free: make(chan *conn, size), done: make(chan struct{})}
	for range size {
		p.free <- nil
	}
	return p
}

// take lends a connection, whose statements end with the context.
func (p *pool) take(ctx context.Context) (*conn, error) {
	c, err := p.lend(ctx)
	if err == nil {
		c.attach(ctx)
	}
	return c, err
}

// lend lends a connection whose statements nothing ends.
func (p *pool) lend(ctx context.Context) (*conn, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.done:
		return nil, errClosed
	default:
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.done:
		return nil, errClosed
	case c := <-p.free:
		if c != nil {
			return c, nil
		}
		c, err := connect(ctx, p.source)
		if err != nil {
			p.free <- nil
			return nil, err
		}
		return c, nil
	}
}

// put ends what transaction there is and gives the connection back.
func (p *pool) put(ctx context.Context, c *conn) {
	if !c.rollback(context.WithoutCancel(ctx)) {
		_ = c.close() // it goes with all it has
		c = nil
	}
	p.free <- c
}

// close waits for all connections. Once is enough.
func (p *pool) close() error {
	p.once.Do(func() {
		close(p.done)
		var errs []error
		for range p.size {
			if c := <-p.free; c != nil {
				errs = append(errs, c.close())
			}
		}
		p.err = errors.Join(errs...)
	})
	return p.err
}
