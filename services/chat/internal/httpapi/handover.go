package httpapi

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// handovers are the connections that streams have taken over from their server, so that
// one that waits takes a small goroutine, and neither the buffers of a request nor
// the stack that its handler needed. Nobody else ends them or waits for them.
type handovers struct {
	mu      sync.Mutex
	open    map[net.Conn]struct{}
	running sync.WaitGroup
}

// take takes the connection of a response over; the head is sent. It is nil where the
// server keeps its connections. What it takes, send must be given.
func (h *handovers) take(response *http.ResponseController) net.Conn {
	h.running.Add(1)                  // before the server forgets the connection: it may be stopping
	conn, _, err := response.Hijack() // a second request that it may have read is not answered
	if err != nil {
		h.running.Done()
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open[conn] = struct{}{}
	return conn
}

// send has a stream sent; ctx ends when its client hangs up. The connection is closed
// behind it.
func (h *handovers) send(ctx context.Context, conn net.Conn, stream func(ctx context.Context)) {
	ctx, gone := context.WithCancel(ctx)
	h.running.Go(func() {
		awaitHangUp(conn)
		gone()
	})
	go func() {
		defer h.running.Done()
		defer h.close(conn)
		stream(ctx)
	}()
}

// awaitHangUp reads until there is no more. A client that has been told that the
// connection ends with the stream has nothing to say.
func awaitHangUp(conn net.Conn) {
	b := make([]byte, 64)
	for {
		if _, err := conn.Read(b); err != nil {
			return
		}
	}
}

// drain waits until all streams have ended. When ctx ends it cuts them off.
func (h *handovers) drain(ctx context.Context) error {
	stop := context.AfterFunc(ctx, h.cut)
	h.running.Wait()
	if !stop() {
		return ctx.Err()
	}
	return nil
}

// cut closes the connections, and what writes to them or reads from them ends.
func (h *handovers) cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for conn := range h.open {
		_ = conn.Close()
	}
}

func (h *handovers) close(conn net.Conn) {
	_ = conn.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, conn)
}
